import test from 'ava';
import { DpctlError, errnoName, errnoOf, kernelError } from '../../loader/errors.js';
import { hintText } from '../../src/model/hint.js';

test('an errno has its usual name and text', (t) => {
  t.is(errnoName(17), 'EEXIST');
  t.is(errnoName(7), 'E2BIG');
  t.is(errnoName(524), 'ENOTSUPP');
  // As the kernel's sources and manual pages name them, unlike Node.
  t.is(errnoName(95), 'EOPNOTSUPP');
  t.is(errnoName(11), 'EAGAIN');
  t.is(errnoName(122), 'EDQUOT');
  t.is(errnoName(4007), 'LIBBPF_ERRNO__VERIFY');
  t.is(errnoName(3999), 'ERRNO_3999');
  t.is(kernelError('bpf_obj_get /x', 2).message.split(' (')[0], 'bpf_obj_get /x: ENOENT');
  t.regex(kernelError('x', 524).message, /ENOTSUPP \(operation not supported/);
});

test('an error of the kernel carries call, errno, exit code 2 and its cause', (t) => {
  const cause = new Error('below');
  const error = kernelError('setns', 1, { cause, hint: 'be root', details: { ns: 'a' } });
  t.true(error instanceof DpctlError);
  t.is(error.code, 'KERNEL_EPERM');
  t.is(error.exitCode, 2);
  t.is(hintText(error.hint), 'be root');
  t.is(error.cause, cause);
  t.deepEqual(error.details, { ns: 'a', call: 'setns', errno: 'EPERM' });
  t.is(errnoOf(error), 'EPERM');
  t.is(errnoOf(cause), undefined);
});
