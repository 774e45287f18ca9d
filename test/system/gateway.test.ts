/** The host and the outside, reached through the host's own port on a network. */
import test, { type ExecutionContext } from 'ava';
import { type Attached, attach, join } from './helpers/attached-containers.js';
import { pings, tcpBothWays, udpEcho } from './helpers/conversation.js';
import { type Lab, openLab } from './helpers/lab.js';
import { sleep } from './helpers/process.js';
import { capture } from './helpers/wire.js';

/** The host's outer interface and its peer, neither of which belongs to dpctl. */
const HOST_OUTSIDE = { ip4: '198.51.100.1', ip6: '2001:db8:51::1' };
const OUTSIDE = { ip4: '198.51.100.2', ip6: '2001:db8:51::2' };
const GATEWAY = { ip4: '10.70.0.1', ip6: 'fd70::1' };
const LAN = ['network', 'add', 'lan', '--subnet', '10.70.0.0/24', '--subnet', 'fd70::/64'];

const FORWARDING = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'] as const;
/** An nft table that is not dpctl's. */
const THEIRS =
  'table inet theirs { chain out { type nat hook postrouting priority 90; ip saddr 192.0.2.0/24 masquerade; }; }';

let lab: Lab;
let outside: string;
let guest: Attached;

test.before(async () => {
  lab = await openLab();
  outside = await lab.container('out');
  await lab.within(
    lab.node,
    'ip',
    'link',
    'add',
    'up0',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    outside,
  );
  for (const [ns, ifname, { ip4, ip6 }] of [
    [lab.node, 'up0', HOST_OUTSIDE],
    [outside, 'eth0', OUTSIDE],
  ] as const) {
    await lab.within(ns, 'ip', 'addr', 'add', `${ip4}/24`, 'dev', ifname);
    await lab.within(ns, 'ip', 'addr', 'add', `${ip6}/64`, 'dev', ifname, 'nodad');
    await lab.within(ns, 'ip', 'link', 'set', ifname, 'up');
  }
  for (const key of FORWARDING) await lab.within(lab.node, 'sysctl', '-q', '-w', `${key}=0`);
  await lab.inside(lab.node, ['nft', '-f', '-'], { stdin: Buffer.from(THEIRS) });
});
test.after.always(() => lab.close());

async function sysctls(): Promise<string[]> {
  return (await lab.within(lab.node, 'sysctl', '-n', ...FORWARDING)).split('\n');
}

/** All rules of the node but dpctl's own. */
async function theirRules(): Promise<string> {
  const all = await lab.within(lab.node, 'nft', '-s', 'list', 'ruleset');
  return all.replace(/table inet dpctl_\w+ \{[\s\S]*?\n\}\n?/, '').trim();
}

/** Name of dpctl's own table, or nothing. */
async function tableName(): Promise<string> {
  const tables = await lab.within(lab.node, 'nft', 'list', 'tables');
  return /^table inet (dpctl_\w+)$/m.exec(tables)?.[1] ?? '';
}

async function hasTable(): Promise<boolean> {
  return (await tableName()) !== '';
}

test.serial('a network with a gateway switches forwarding on, and says so', async (t) => {
  t.deepEqual(await sysctls(), ['0', '0']);
  const { stderr } = await lab.must(...LAN, '--gateway');
  for (const key of FORWARDING) t.true(stderr.includes(`host sysctl ${key}: 0 -> 1`), stderr);
  t.deepEqual(await sysctls(), ['1', '1']);
  t.notRegex(
    (await lab.must(...LAN, '--gateway')).stderr,
    /sysctl/,
    'only where something changes',
  );
  type Facts = { facts: { name: string; value: string }[] };
  const { facts } = await lab.json<Facts>(['status']);
  t.is(facts.find(({ name }) => name === 'sysctl net.ipv4.ip_forward')?.value, '1, was 0');
});

test.serial('endpoints and the host reach each other', async (t) => {
  guest = await join(lab, 'g', '--network', 'lan');
  for (const family of ['ip4', 'ip6'] as const) {
    t.true(await pings(guest.ns, GATEWAY[family]), `host, ${family}`);
    t.true(await pings(lab.node, guest[family]), `endpoint, ${family}`);
    t.true(await tcpBothWays(t, guest.ns, lab.node, GATEWAY[family], 8 << 20));
    t.true(await tcpBothWays(t, lab.node, guest.ns, guest[family], 8 << 20));
  }
  t.true(await pings(guest.ns, GATEWAY.ip4, '-s', '4000'));
  t.true(await pings(guest.ns, HOST_OUTSIDE.ip4), "the host's other addresses too");
  t.regex(await lab.within(guest.ns, 'ip', 'route'), /default via 10\.70\.0\.1 dev eth0/);
  t.regex(await lab.within(guest.ns, 'ip', '-6', 'route'), /default via fd70::1 dev eth0/);
});

test.serial('without masquerade, endpoints are routed under their own addresses', async (t) => {
  const ours = await lab.within(lab.node, 'nft', 'list', 'table', 'inet', await tableName());
  t.notRegex(ours, /masquerade|chain postrouting/);
  const asked = await capture(t, outside, `icmp and src host ${guest.ip4}`);
  t.false(await pings(guest.ns, OUTSIDE.ip4), 'nobody outside knows the way back');
  t.is((await asked.stop()).length, 3);
  await lab.within(outside, 'ip', 'route', 'add', '10.70.0.0/24', 'via', HOST_OUTSIDE.ip4);
  await lab.within(outside, 'ip', '-6', 'route', 'add', 'fd70::/64', 'via', HOST_OUTSIDE.ip6);
  for (const family of ['ip4', 'ip6'] as const) {
    t.true(await pings(guest.ns, OUTSIDE[family]), family);
    t.true(await pings(outside, guest[family]), family);
    t.true(await tcpBothWays(t, outside, guest.ns, guest[family], 4 << 20));
  }
  await lab.within(outside, 'ip', 'route', 'del', '10.70.0.0/24');
  await lab.within(outside, 'ip', '-6', 'route', 'del', 'fd70::/64');
});

/** TCP between the endpoint and the outside; returns how many segments above the MTU arrived at each. */
async function largeSegments(t: ExecutionContext, address: string): Promise<number[]> {
  const ends = [outside, guest.ns];
  const seen = await Promise.all(
    ends.map((ns) => capture(t, ns, 'tcp port 5600 and greater 1515')),
  );
  t.true(await tcpBothWays(t, guest.ns, outside, address, 16 << 20), address);
  return Promise.all(seen.map(async (each) => (await each.stop()).length));
}

test.serial(
  "with masquerade, endpoints appear under the host's address, and GSO stays whole",
  async (t) => {
    const before = await theirRules();
    await lab.must(...LAN, '--masquerade');
    t.true(await hasTable());
    t.is(await theirRules(), before);
    for (const [family, filter] of [
      ['ip4', `icmp and src host ${HOST_OUTSIDE.ip4}`],
      ['ip6', `icmp6 and ip6[40] == 128 and src host ${HOST_OUTSIDE.ip6}`],
    ] as const) {
      const asked = await capture(t, outside, filter);
      t.true(await pings(guest.ns, OUTSIDE[family]), family);
      t.is((await asked.stop()).length, 3, family);
      for (const count of await largeSegments(t, OUTSIDE[family])) t.true(count > 10, `${count}`);
      const sizes = [1, 1472, 1473, 8000];
      t.deepEqual(await udpEcho(t, guest.ns, outside, OUTSIDE[family], sizes), [], family);
    }
    const hosts = await capture(t, guest.ns, `icmp and src host ${GATEWAY.ip4}`);
    t.true(await pings(lab.node, guest.ip4));
    t.is((await hosts.stop()).length, 3, 'what stays on the segment keeps its address');
  },
);

test.serial('an error about a flow that the host translates reaches the endpoint', async (t) => {
  for (const [kind, address] of [
    ['UDP4', OUTSIDE.ip4],
    ['UDP6', `[${OUTSIDE.ip6}]`],
  ] as const) {
    // No program listens there: the answer is an ICMP error about the host's own packet.
    const asked = await lab.inside(guest.ns, ['socat', '-t', '5', '-', `${kind}:${address}:9`], {
      stdin: Buffer.from('is anybody there?'),
    });
    t.regex(asked.stderr, /Connection refused/, kind);
  }
});

test.serial('a smaller MTU outside is learned from the host', async (t) => {
  const big = await join(lab, 'big', '--network', 'lan', '--mtu', '9000');
  t.true(await pings(big.ns, GATEWAY.ip4, '-M', 'do', '-s', '8972'), 'large packets to the host');
  for (const family of ['ip4', 'ip6'] as const) {
    t.true(await tcpBothWays(t, big.ns, outside, OUTSIDE[family], 4 << 20), family);
  }
  t.true(await pings(guest.ns, GATEWAY.ip4, '-s', '4000'), 'others stay as they are');
  await lab.must('detach', big.ns);
});

test.serial('a firewall that drops forwarded packets is reported with a remedy', async (t) => {
  const firewall =
    'table inet wall { chain forward { type filter hook forward priority 0; policy drop; }; }';
  await lab.inside(lab.node, ['nft', '-f', '-'], { stdin: Buffer.from(firewall) });
  t.false(await pings(guest.ns, OUTSIDE.ip4, '-c', '1'));
  const { code, stdout } = await lab.dpctl(['status', '-o', 'json']);
  t.is(code, 4);
  const { problems } = JSON.parse(stdout) as {
    problems: { code: string; subject: string; fix: string }[];
  };
  const [problem] = problems;
  t.like(problem, { code: 'FORWARD_DROP', subject: 'inet wall forward' });
  await lab.within(lab.node, 'sh', '-c', problem?.fix ?? 'false');
  t.true(await pings(guest.ns, OUTSIDE.ip4), 'what it says helps');
  t.true(await pings(guest.ns, OUTSIDE.ip6));
  t.is((await lab.dpctl(['status'])).code, 0);
  await lab.within(lab.node, 'nft', 'delete', 'table', 'inet', 'wall');
});

test.serial('rules, addresses and devices deleted by hand are restored', async (t) => {
  for (const argv of [
    ['nft', 'delete', 'table', 'inet', await tableName()],
    ['nft', 'flush', 'chain', 'inet', await tableName(), 'postrouting'],
    ['nft', 'flush', 'chain', 'inet', await tableName(), 'apart'],
    ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=0'],
    ['ip', 'addr', 'del', '10.70.0.1/24', 'dev', 'dpg1'],
    ['ip', 'link', 'set', 'dpg1', 'down'],
    ['ip', 'link', 'del', 'dpg1'],
  ]) {
    await lab.within(lab.node, ...argv);
    const { code, stdout } = await lab.dpctl(['status']);
    t.is(code, 4, `${argv.join(' ')}\n${stdout}`);
    await lab.must('reconcile');
    t.is((await lab.dpctl(['status'])).code, 0, argv.join(' '));
    t.true(await pings(guest.ns, OUTSIDE.ip4), argv.join(' '));
  }
});

test.serial('rules, routes and sysctls are removed with the gateway', async (t) => {
  const rules = await theirRules();
  await lab.must(
    'network',
    'add',
    'other',
    '--subnet',
    '10.71.0.0/24',
    '--gateway',
    '10.71.0.254',
    '--masquerade',
  );
  const late = await join(lab, 'late', '--network', 'other');
  t.true(await pings(late.ns, OUTSIDE.ip4));
  t.regex(await lab.within(late.ns, 'ip', 'route'), /default via 10\.71\.0\.254/);
  await lab.must('detach', guest.ns);
  await lab.must('network', 'del', 'lan');
  t.deepEqual(await sysctls(), ['1', '0'], 'the other one still forwards IPv4');
  t.true(await pings(late.ns, OUTSIDE.ip4));
  await lab.must('detach', late.ns);
  await lab.must('network', 'del', 'other');
  t.deepEqual(await sysctls(), ['0', '0']);
  t.false(await hasTable());
  t.is(await theirRules(), rules);
  t.deepEqual(
    (await lab.within(lab.node, 'ip', '-o', 'link', 'show', 'type', 'veth')).match(/dp[gp]?\w+@/g),
    null,
  );
});

test.serial('settings of others, earlier or later ones, are left alone', async (t) => {
  const set = (setting: string) => lab.within(lab.node, 'sysctl', '-q', '-w', setting);
  await set('net.ipv4.ip_forward=1');
  const { stderr } = await lab.must(...LAN, '--gateway');
  t.notRegex(stderr, /ip_forward/);
  await set('net.ipv6.conf.all.forwarding=2');
  await lab.must('network', 'del', 'lan');
  t.deepEqual(await sysctls(), ['1', '2']);
});

test.serial('reset removes the gateway too', async (t) => {
  for (const key of FORWARDING) await lab.within(lab.node, 'sysctl', '-q', '-w', `${key}=0`);
  const rules = await theirRules();
  await lab.must(...LAN, '--gateway', '--masquerade');
  guest = await attach(lab, guest.ns, '--network', 'lan');
  t.true(await pings(guest.ns, OUTSIDE.ip4));
  await lab.must('reset', '--yes');
  await sleep(100);
  t.deepEqual(await sysctls(), ['0', '0']);
  t.false(await hasTable());
  t.is(await theirRules(), rules);
  t.regex(await lab.within(lab.node, 'ip', '-o', 'link'), /up0/);
  t.notRegex(await lab.within(lab.node, 'ip', '-o', 'link'), /dp[gp]?\d/);
});
