import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import test from 'ava';
import {
  bootId,
  kernelRelease,
  missingCapabilities,
  requireRoot,
} from '../../src/linux/process.js';

const script = new URL('../../src/linux/process.js', import.meta.url).href;
const reader = new URL('../../src/model/hint.js', import.meta.url).href;
const attempt = `import { requireRoot } from '${script}';
import { hintText } from '${reader}';
try { requireRoot(); console.log('{}') } catch (e) {
  console.log(JSON.stringify({ code: e.code, exitCode: e.exitCode, hint: hintText(e.hint), message: e.message }))
}`;

function requireRootAs(...wrapper: string[]): unknown {
  const [file = '', ...args] = [...wrapper, process.execPath, '--input-type=module', '-e', attempt];
  return JSON.parse(execFileSync(file, args, { encoding: 'utf8' }));
}

test('root is accepted, and an ordinary user is told to use sudo', (t) => {
  t.notThrows(requireRoot);
  const user = requireRootAs('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups');
  t.like(user, { code: 'NOT_ROOT', exitCode: 2 });
  t.regex((user as { hint: string }).hint, /^sudo dpctl/);
  t.regex((user as { message: string }).message, /CAP_NET_ADMIN and CAP_SYS_ADMIN/);
});

test('root without its capabilities is told what is missing', (t) => {
  const root = requireRootAs('setpriv', '--bounding-set=-net_admin');
  t.like(root, { code: 'NOT_ROOT', message: 'not permitted: CAP_NET_ADMIN missing' });
  t.regex((root as { hint: string }).hint, /--privileged/);
});

test('capabilities are read from the mask', (t) => {
  t.deepEqual(missingCapabilities('CapEff:\t000001ffffffffff\n'), []);
  t.deepEqual(missingCapabilities('CapEff:\t0000000000201000\n'), []);
  t.deepEqual(missingCapabilities('CapEff:\t0000000000001000\n'), ['CAP_SYS_ADMIN']);
  t.deepEqual(missingCapabilities(''), ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']);
});

test('boot and kernel are the running ones', (t) => {
  t.regex(bootId(), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  t.is(bootId(), readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  t.is(kernelRelease(), release());
});
