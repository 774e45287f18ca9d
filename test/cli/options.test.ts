import test from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { ATTACH } from '../../src/cli/commands/endpoint.js';
import { NETWORK_ADD } from '../../src/cli/commands/network.js';
import { parse } from '../../src/cli/parse.js';
import { dpctl } from './helpers/dpctl.js';

/** Parse a command line into a call. */
function callOf(line: string, env: Record<string, string> = {}) {
  const parsed = parse(line.split(' '), env);
  if (!('call' in parsed)) throw new Error(`${line} is no call`);
  return parsed.call;
}

test('values come under the names that control takes, and only those that were given', (t) => {
  const { command, args, options, globals } = callOf(
    'attach ns1 --network blue --ip 10.1.0.2 --ip fd00::2,fd00::3 --mtu 1400 --no-lock --allow-prefix 10.9.0.0/16 --label a=1 --label b- --create --dry-run',
  );
  t.is(command, ATTACH);
  t.deepEqual(args, { ns: 'ns1' });
  t.deepEqual(options, {
    network: 'blue',
    ips: ['10.1.0.2', 'fd00::2', 'fd00::3'],
    create: true,
    dryRun: true,
    mtu: 1400,
    lock: false,
    allowPrefixes: ['10.9.0.0/16'],
    labels: ['a=1', 'b-'],
  });
  t.deepEqual(globals, {});
  t.deepEqual(callOf('attach ns1').options, {});
});

test('switches can be turned off again', (t) => {
  t.deepEqual(callOf('attach n --isolated').options, { isolated: true });
  t.deepEqual(callOf('attach n --no-isolated --lock').options, { isolated: false, lock: true });
  t.deepEqual(callOf('network add n --no-masquerade --no-big-tcp').options, {
    masquerade: false,
    bigTcp: false,
  });
});

test('a mask is decimal or hexadecimal', (t) => {
  const mask = (text: string) => callOf(`network add n --group-fwd-mask ${text}`).options;
  t.deepEqual(mask('0x4008'), { groupFwdMask: 0x4008 });
  t.deepEqual(mask('16'), { groupFwdMask: 16 });
  for (const text of ['0x', 'lldp', '-8', '1e3']) t.throws(() => mask(text), { code: 'BAD_VALUE' });
});

test('a gateway may be given without, with one and with two addresses', (t) => {
  t.deepEqual(callOf('network add n --gateway').options, { gateway: true });
  t.deepEqual(callOf('network add n --gateway --vni 7').options, { gateway: true, vni: 7 });
  t.deepEqual(callOf('network add n --gateway 10.0.0.9 --gateway=fd00::9').options, {
    gateway: ['10.0.0.9', 'fd00::9'],
  });
});

test('times are seconds', (t) => {
  const times = { '0': 0, '300': 300, '45s': 45, '5m': 300, '2h': 7200, '1d': 86_400 };
  for (const [text, ageing] of Object.entries(times)) {
    t.deepEqual(callOf(`network add n --ageing ${text}`).options, { ageing });
  }
});

test('global flags stand before or after the command', (t) => {
  const globals = { output: 'yaml', root: '/tmp/x' } as const;
  t.deepEqual(callOf('-o yaml --root /tmp/x dump fdb').globals, globals);
  t.deepEqual(callOf('dump fdb --root=/tmp/x -oyaml').globals, globals);
  t.deepEqual(callOf('dump -o yaml fdb --root /tmp/x').args, { table: 'fdb' });
});

test('what follows -- is never a flag', (t) => {
  t.deepEqual(callOf('attach -- --weird').args, { ns: '--weird' });
});

test('flag beats variable, variable beats default', (t) => {
  const env = {
    DPCTL_ATTACH_NETWORK: 'red',
    DPCTL_ATTACH_IP: '10.0.0.1, fd00::1',
    DPCTL_ATTACH_MTU: '1300',
    DPCTL_ATTACH_NO_LOCK: '1',
    DPCTL_ATTACH_ISOLATED: 'no',
    DPCTL_ATTACH_DRY_RUN: 'yes',
    DPCTL_ROOT: '/srv',
    DPCTL_OUTPUT: 'name',
  };
  const { options, globals } = callOf('attach ns1', env);
  t.deepEqual(options, {
    network: 'red',
    ips: ['10.0.0.1', 'fd00::1'],
    dryRun: true,
    mtu: 1300,
    isolated: false,
    lock: false,
  });
  t.deepEqual(globals, { root: '/srv', output: 'name' });
  const flags = callOf('attach ns1 --network blue --ip 10.0.0.2 --lock --root /opt -j', env);
  t.is(flags.options.network, 'blue');
  t.deepEqual(flags.options.ips, ['10.0.0.2']);
  t.is(flags.options.lock, true);
  t.deepEqual(flags.globals, { root: '/opt', json: true });
});

test('an empty variable does not count, nor does one of another command', (t) => {
  const env = { DPCTL_ATTACH_MTU: '', DPCTL_ROOT: '', DPCTL_DETACH_IFNAME: 'eth9' };
  const { options, globals } = callOf('attach ns1', env);
  t.deepEqual(options, {});
  t.deepEqual(globals, {});
});

test('--no-NAME and auto undo a setting, and the last one counts', (t) => {
  t.deepEqual(callOf('network add n --no-gateway').options, { gateway: false });
  t.deepEqual(callOf('network add n --no-gateway --gateway').options, { gateway: true });
  t.deepEqual(callOf('network add n --gateway 10.0.0.9 --no-gateway').options, { gateway: false });
  t.deepEqual(callOf('attach a --no-allow-prefix').options, { allowPrefixes: false });
  t.deepEqual(callOf('attach a --no-allow-prefix --allow-prefix ::/0').options, {
    allowPrefixes: ['::/0'],
  });
  t.deepEqual(callOf('attach a --mtu auto').options, { mtu: 'auto' });
  t.deepEqual(callOf('attach a', { DPCTL_ATTACH_MTU: 'auto' }).options, { mtu: 'auto' });
  t.deepEqual(callOf('attach a', { DPCTL_ATTACH_ALLOW_PREFIX: 'no' }).options, {
    allowPrefixes: false,
  });
});

test('the gateway has a variable for each of its three forms', (t) => {
  const gateway = (text: string) =>
    callOf('network add n', { DPCTL_NETWORK_ADD_GATEWAY: text }).options.gateway;
  t.is(gateway('1'), true);
  t.is(gateway('0'), false);
  t.deepEqual(gateway('10.0.0.1,fd00::1'), ['10.0.0.1', 'fd00::1']);
  t.is(callOf('network add n').command, NETWORK_ADD);
});

test('a bad variable is refused under its own name', (t) => {
  const error = t.throws(() => callOf('attach ns1', { DPCTL_ATTACH_MTU: 'big' }), {
    instanceOf: DpctlError,
  });
  t.is(error?.message, 'DPCTL_ATTACH_MTU: "big" is not a whole number');
  t.throws(() => callOf('attach ns1', { DPCTL_ATTACH_CREATE: 'perhaps' }), {
    message: 'DPCTL_ATTACH_CREATE: "perhaps" is neither yes nor no',
  });
});

test('options are frozen', (t) => {
  t.true(Object.isFrozen(callOf('attach ns1').options));
});

test('variables reach the program', async (t) => {
  const { code, stderr } = await dpctl(['dump'], { env: { DPCTL_OUTPUT: 'jsn' } });
  t.is(code, 1);
  t.regex(stderr, /^error\[BAD_VALUE\]: DPCTL_OUTPUT: "jsn".*\ntry: DPCTL_OUTPUT=json\n$/);
});
