import test from 'ava';
import { execa } from 'execa';
import { createColors } from 'picocolors';
import { DpctlError, kernelError } from '../../loader/errors.js';
import { reportJson, reportOf, reportText } from '../../src/cli/error-report.js';

const plain = createColors(false);

test('an error names the problem, its cause and the remedy', (t) => {
  const cause = kernelError('bpf_obj_get /run/x', 2);
  const error = new DpctlError('ADDRESS_IN_USE', '10.0.0.5 belongs to ns2', {
    exitCode: 1,
    hint: 'dpctl attach ns3 --ip 10.0.0.6',
    details: { ip: '10.0.0.5' },
    cause,
  });
  const report = reportOf(error, false);
  t.is(report.exitCode, 1);
  t.is(
    reportText(report, plain),
    [
      'error[ADDRESS_IN_USE]: 10.0.0.5 belongs to ns2',
      `  cause: KERNEL_ENOENT: ${cause.message}`,
      'try: dpctl attach ns3 --ip 10.0.0.6',
      '',
    ].join('\n'),
  );
  t.deepEqual(JSON.parse(reportJson(report)), {
    code: 'ADDRESS_IN_USE',
    msg: '10.0.0.5 belongs to ns2',
    details: { ip: '10.0.0.5', causes: [`KERNEL_ENOENT: ${cause.message}`] },
    hint: 'dpctl attach ns3 --ip 10.0.0.6',
  });
});

test('a cause that the message contains is not repeated', (t) => {
  const cause = new Error('no such file');
  const report = reportOf(new DpctlError('X', 'cannot open: no such file', { cause }), false);
  t.deepEqual(report.causes, []);
});

test('circular causes end', (t) => {
  const error = new Error('a');
  error.cause = new Error('b', { cause: error });
  t.deepEqual(reportOf(error, false).causes, ['b']);
});

test('an unknown exception is a bug of dpctl: exit code 70, and how to report it', (t) => {
  const report = reportOf(new TypeError('x is not a function'), false);
  t.is(report.exitCode, 70);
  t.is(report.code, 'BUG');
  t.regex(report.msg, /x is not a function \(this is a bug of dpctl\)$/);
  t.regex(report.hint, /DPCTL_DEBUG=1.*dpctl version/);
  t.is(reportOf('thrown text', false).exitCode, 70);
});

test('the stack is shown for DPCTL_DEBUG only', (t) => {
  const error = new TypeError('x');
  t.false(reportText(reportOf(error, false), plain).includes('report.test'));
  t.true(reportText(reportOf(error, true), plain).includes('report.test'));
  t.true(reportJson(reportOf(error, true)).includes('report.test'));
});

test('a failure of the operating system is not a bug of dpctl', (t) => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
  const { code, exitCode, details } = reportOf(error, false);
  t.deepEqual(
    { code, exitCode, details },
    {
      code: 'SYSTEM_ENOSPC',
      exitCode: 2,
      details: { errno: 'ENOSPC', call: 'write' },
    },
  );
});

test('an unhandled exception is a bug of dpctl, too', async (t) => {
  const run = new URL('../../src/cli/run.js', import.meta.url);
  const program = `
    import { watchCrashes } from '${run}';
    watchCrashes([], {});
    setTimeout(() => { throw new TypeError('boom'); }, 1);
  `;
  const argv = ['--input-type=module', '-e', program];
  const { exitCode, stdout, stderr } = await execa(process.execPath, argv, { reject: false });
  t.is(exitCode, 70);
  t.is(stdout, '');
  t.regex(stderr, /^error\[BUG\]: TypeError: boom/);
});

test('a BigInt in the details does not hide the error', (t) => {
  const error = new DpctlError('X', 'm', { details: { cookie: 12n } });
  t.is(JSON.parse(reportJson(reportOf(error, false))).details.cookie, '12');
});

test('a name in a message cannot write to the terminal', (t) => {
  const text = reportText(reportOf(new DpctlError('X', 'no \u001b[2Jns'), false), plain);
  t.false(text.includes('\u001b'));
});
