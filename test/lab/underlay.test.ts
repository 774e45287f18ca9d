/** The underlay changes, breaks, comes back and is removed: what a node reports and does. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { hasFeature } from '../../loader/probe.js';
import { pings } from '../system/helpers/conversation.js';
import { run } from '../system/helpers/lab.js';
import { eventually } from '../system/helpers/process.js';
import { addressOf, type Nodes, onNodes } from './helpers/nodes.js';

interface Problem {
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  readonly fix: string;
}

async function problems(nodes: Nodes, where: string): Promise<Problem[]> {
  const { stdout } = await nodes.dpctl(where, ['status', '-o', 'json']);
  return (JSON.parse(stdout) as { problems: Problem[] }).problems;
}

async function codes(nodes: Nodes, where: string): Promise<string[]> {
  return [...new Set((await problems(nodes, where)).map(({ code }) => code))].toSorted();
}

async function mtuInside(nodes: Nodes, where: string): Promise<number> {
  return Number(await nodes.within(where, 'cat', '/sys/class/net/eth0/mtu'));
}

const talks = (nodes: Nodes): Promise<boolean> => pings(nodes.ns('n1e1'), addressOf(2, 1));

async function talksAgain(t: ExecutionContext, nodes: Nodes, what: string): Promise<void> {
  t.true(await eventually(() => talks(nodes), 5000), what);
  t.deepEqual(await codes(nodes, 'n1'), [], `${what}: healthy`);
}

test.serial('MTUs follow the underlay, except for requested ones', (t) =>
  onNodes(['--endpoints', '2', '--mtu', '1600'], async (nodes) => {
    const gateway = ['network', 'add', 'net1', '--gateway', '10.210.1.200'];
    await nodes.must('n1', ...gateway);
    const own = ['attach', nodes.ns('n1e2'), '--network', 'net1', '--mtu', '1400'];
    await nodes.must('n1', ...own);
    const gatewayMtu = async () =>
      Number(await nodes.within('n1', 'cat', '/sys/class/net/dpg1/mtu'));
    t.deepEqual([await mtuInside(nodes, 'n1e1'), await mtuInside(nodes, 'n1e2')], [1550, 1400]);
    t.is(await gatewayMtu(), 1550);

    for (const [mtu, expected] of [
      [1500, 1450],
      [9000, 8950],
      [1350, 1300],
    ] as const) {
      await nodes.within('n1', 'ip', 'link', 'set', 'under0', 'mtu', `${mtu}`);
      t.deepEqual(
        await codes(nodes, 'n1'),
        expected < 1400 ? ['DRIFT', 'MTU_TOO_LARGE'] : ['DRIFT'],
      );
      const reconciled = await nodes.must('n1', 'reconcile');
      t.regex(
        reconciled.stderr,
        new RegExp(`inner.set t\\d+x\\d+-n1e1/eth0 mtu ${expected}$`, 'm'),
      );
      t.is(await mtuInside(nodes, 'n1e1'), expected);
      t.is(await mtuInside(nodes, 'n1e2'), 1400, 'as requested');
      t.is(await gatewayMtu(), Math.max(expected, 1400), 'as large as the largest');
    }
    const [large] = await problems(nodes, 'n1');
    t.like(large, { code: 'MTU_TOO_LARGE', subject: `endpoint ${nodes.ns('n1e2')}` });
    t.is(large?.fix, `dpctl attach ${nodes.ns('n1e2')} --mtu 1300`);
    await nodes.must('n1', ...own.slice(0, -1), '1300');
    t.deepEqual(await codes(nodes, 'n1'), []);

    const asked = await nodes.must('n1', ...own.slice(0, -1), '1301');
    t.regex(asked.stderr, /^note: endpoint t\d+x\d+-n1e2: packets of more than 1300 bytes do not/m);
    const big = await nodes.must('n1', 'network', 'add', 'net1', '--big-tcp');
    t.regex(
      big.stderr,
      /^note: network net1: packets of 192 KB to other nodes are segmented in software/m,
    );

    await nodes.must('n1', 'underlay', 'del');
    t.is(await mtuInside(nodes, 'n1e1'), 1500, "without an underlay Ethernet's");
  }),
);

test.serial('an IPv6 underlay of little more than the least leaves IPv6 its 1280 bytes', (t) =>
  onNodes(['--endpoints', '1', '--family', 'ip6', '--mtu', '1350'], async (nodes) => {
    t.is(await mtuInside(nodes, 'n1e1'), 1280);
    await nodes.within('n1', 'ip', 'link', 'set', 'under0', 'mtu', '1300');
    await nodes.must('n1', 'reconcile');
    t.is(await mtuInside(nodes, 'n1e1'), 1280, 'or the kernel would take the address away');
    t.true((await nodes.within('n1e1', 'ip', '-6', 'addr')).includes('fd00:210::1:1'));
    await nodes.must('n1', 'status');
  }),
);

test.serial(
  'an underlay that is down, missing or without its address is reported, and used again later',
  (t) =>
    onNodes(['--endpoints', '1'], async (nodes) => {
      t.true(await talks(nodes));
      await nodes.within('n1', 'ip', 'link', 'set', 'under0', 'down');
      t.deepEqual(await codes(nodes, 'n1'), ['UNDERLAY_DOWN']);
      t.like((await problems(nodes, 'n1'))[0], { fix: 'ip link set under0 up', subject: 'under0' });
      await nodes.within('n1', 'ip', 'link', 'set', 'under0', 'up');
      await talksAgain(t, nodes, 'up again');

      // The kernel removes an IPv6 address when the device goes down; the IPv4 address of the VTEP stays.
      await nodes.within('n1', 'ip', 'addr', 'del', '172.31.210.1/24', 'dev', 'under0');
      const lost = await problems(nodes, 'n1');
      t.true(
        lost.some(({ code }) => code === 'VTEP_NOT_LOCAL'),
        JSON.stringify(lost),
      );
      const without = await nodes.must('n1', 'reconcile');
      t.regex(
        without.stderr,
        /note: other nodes are unreachable: 172\.31\.210\.1 is not an address of this/,
      );
      t.is(await mtuInside(nodes, 'n1e1'), 1450, 'it will be back');
      const attached = await nodes.must('n1', 'attach', nodes.ns('n1e1'), '--network', 'net1');
      t.regex(attached.stderr, /^unchanged/, 'all else goes on');
      await nodes.within('n1', 'ip', 'addr', 'add', '172.31.210.1/24', 'dev', 'under0');
      await nodes.must('n1', 'reconcile');
      await talksAgain(t, nodes, 'the address is back');

      await nodes.within('n1', 'ip', 'link', 'del', 'under0');
      const gone = await problems(nodes, 'n1');
      t.true(
        gone.some(({ code }) => code === 'UNDERLAY_NOT_FOUND'),
        JSON.stringify(gone),
      );
      const row = (await nodes.json<{ state: string }[]>('n1', 'underlay', 'show'))[0];
      t.is(row?.state, 'this node has no device "under0"');
      await nodes.must('n1', 'reconcile');
      t.deepEqual(await codes(nodes, 'n1'), ['UNDERLAY_NOT_FOUND'], 'nothing else is wrong');
      t.is((await nodes.lab('up')).code, 0, 'which makes it again');
      await talksAgain(t, nodes, 'the device is back, under another number');
    }),
);

test.serial('an automatically chosen address is replaced by another of the device', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    await nodes.must('n1', 'underlay', 'set', 'under0', '--vtep', 'auto');
    await nodes.within('n1', 'sysctl', '-qw', 'net.ipv4.conf.under0.promote_secondaries=1');
    await nodes.within('n1', 'ip', 'addr', 'add', '172.31.210.55/24', 'dev', 'under0');
    t.deepEqual(await codes(nodes, 'n1'), [], 'a further address changes nothing');
    await nodes.within('n1', 'ip', 'addr', 'del', '172.31.210.1/24', 'dev', 'under0');
    const found = await problems(nodes, 'n1');
    const changed = found.find(({ code }) => code === 'VTEP_CHANGED');
    t.is(changed?.subject, '172.31.210.55', JSON.stringify(found));
    t.regex(changed?.fix ?? '', /on the other nodes: dpctl node add NAME --vtep 172\.31\.210\.55$/);
    const ran = await nodes.must('n1', 'reconcile');
    t.regex(
      ran.stderr,
      /^note: this node's address changed from 172\.31\.210\.1 to 172\.31\.210\.55/m,
    );
    await nodes.must('n2', 'node', 'add', 'n1', '--vtep', '172.31.210.55');
    await talksAgain(t, nodes, 'told to the other');
  }),
);

test.serial('manually deleted parts of the overlay are found and recreated by reconcile', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
    const pins = join(nodes.rootOf('n1'), 'run/dpctl/bpf/overlay');
    t.deepEqual(readdirSync(pins).toSorted(), ['anchor', 'replicate', 'underlay']);
    const harms: readonly (readonly string[])[] = [
      ['ip', 'link', 'del', 'dpr0'],
      ['ip', 'link', 'del', 'dpx0'],
      ['ip', 'link', 'set', 'dpr0', 'down'],
      ['ip', 'link', 'set', 'dpx0', 'down'],
      ['ip', 'link', 'set', 'dpr0', 'address', '02:00:00:00:00:01'],
      ['rm', join(pins, 'underlay')],
      ['rm', join(pins, 'replicate')],
      ['rm', join(pins, 'anchor')],
      ['sysctl', '-qw', 'net.ipv4.conf.lo.forwarding=0'],
    ];
    for (const harm of harms) {
      await nodes.within('n1', ...harm);
      t.deepEqual(await codes(nodes, 'n1'), ['DRIFT'], harm.join(' '));
      await nodes.must('n1', 'reconcile');
      await talksAgain(t, nodes, harm.join(' '));
    }
  }),
);

test.serial('a firewall that keeps VXLAN from the anchor is reported with a remedy', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
    const chain = 'chain in { type filter hook input priority 0; policy drop; }';
    await nodes.within('n1', 'nft', `table inet wall { ${chain}; }`);
    if (hasFeature('adjust_room_decap_l4_udp')) {
      t.deepEqual(await codes(nodes, 'n1'), [], 'nothing is left to the anchor');
      return;
    }
    const [problem, ...others] = await problems(nodes, 'n1');
    t.like(problem, { code: 'INPUT_DROP', subject: 'inet wall in' });
    t.deepEqual(others, []);
    await nodes.within('n1', 'sh', '-c', problem?.fix ?? 'false');
    t.deepEqual(await codes(nodes, 'n1'), [], 'what it says helps');
  }),
);

test.serial('reset leaves nothing of the overlay, and the device as it was', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
    await nodes.must('n1', 'underlay', 'set', 'under0', '--decap', 'xdp');
    const list = await nodes.must('n1', 'reset', '--dry-run');
    t.regex(list.stdout, /^remove underlay +under0/m);
    t.regex(list.stdout, /^remove node +n2 +172\.31\.210\.2$/m);
    await nodes.must('n1', 'reset', '--yes');
    const links = await nodes.within('n1', 'ip', '-d', '-o', 'link', 'show');
    t.deepEqual(
      links.split('\n').flatMap((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? []),
      ['lo', 'under0'],
    );
    t.notRegex(links, /prog\/xdp/);
    const hooks = await nodes.within('n1', 'bpftool', 'net', 'show', 'dev', 'under0');
    t.notRegex(hooks, /underlay|decap/);
    t.is((await nodes.within('n1', 'sysctl', '-n', 'net.ipv4.conf.lo.forwarding')).trim(), '0');
    t.deepEqual(
      readdirSync(nodes.rootOf('n1')).filter((name) => name !== 'bin'),
      [],
    );
    const clean = await run(['ip', 'netns', 'exec', nodes.ns('n1'), 'ss', '-uln']);
    t.notRegex(clean.stdout, /:4789/);
  }),
);

test.serial('gateways and the underlay share the forwarding of the host, in any order', (t) =>
  onNodes(['--endpoints', '0', '--nodes', '1'], async (nodes) => {
    const get = async (): Promise<string> =>
      (
        await nodes.within(
          'n1',
          ...['sysctl', '-n', 'net.ipv4.ip_forward', 'net.ipv4.conf.lo.forwarding'],
        )
      ).replace('\n', ' ');
    const gateway = (...words: string[]) => nodes.must('n1', 'network', ...words);
    t.is(await get(), '0 1');
    await gateway('add', 'gw', '--subnet', '10.9.0.0/24', '--gateway');
    t.is(await get(), '1 1');
    await gateway('del', 'gw');
    t.is(await get(), '0 1', 'the underlay still needs its own');
    await nodes.must('n1', 'status');
    await gateway('add', 'gw', '--subnet', '10.9.0.0/24', '--gateway');
    await nodes.must('n1', 'underlay', 'del');
    t.is((await get()).slice(0, 1), '1');
    await nodes.must('n1', 'underlay', 'set', 'under0');
    await gateway('del', 'gw');
    t.is(await get(), '0 1');
    await nodes.must('n1', 'underlay', 'del');
    t.is(await get(), '0 0', 'as it was before dpctl');
  }),
);
