/** Three nodes, two networks with the same MACs and addresses: all traffic stays within its network. */
import test, { type ExecutionContext } from 'ava';
import { pings, tcpBothWays, udpEcho } from '../system/helpers/conversation.js';
import { run } from '../system/helpers/lab.js';
import { eventually, start } from '../system/helpers/process.js';
import { type Nodes, onNodes } from './helpers/nodes.js';

const NUMBERS = [1, 2, 3] as const;
const VNIS = { blue: 4001, red: 4002 } as const;
type Color = keyof typeof VNIS;
const COLORS = Object.keys(VNIS) as Color[];

const ipOf = (node: number): string => `10.77.0.${node}`;
const ip6Of = (node: number): string => `fd77::${node}`;
const macOf = (node: number): string => `02:00:00:00:77:0${node}`;
const whereOf = (node: number, color: Color): string => `n${node}e${color === 'blue' ? 7 : 8}`;

/** Networks without a subnet: two overlapping ones could not have gateways, and need none here. */
async function join(nodes: Nodes): Promise<void> {
  for (const color of COLORS) {
    for (const number of NUMBERS) {
      const node = `n${number}`;
      await nodes.must(node, 'network', 'add', color, '--vni', `${VNIS[color]}`);
      const ns = await nodes.container(whereOf(number, color));
      const ips = ['--ip', `${ipOf(number)}/24`, '--ip', `${ip6Of(number)}/64`];
      await nodes.must(node, 'attach', ns, '--network', color, '--mac', macOf(number), ...ips);
    }
  }
}

const pairs = NUMBERS.flatMap((from) =>
  NUMBERS.filter((to) => to !== from).map((to) => [from, to] as const),
);

/** Frames that a capture in a namespace shows, without those of its own stack. */
async function hears(
  t: ExecutionContext,
  ns: string,
  filter: string,
  act: () => Promise<unknown>,
): Promise<string[]> {
  const capture = start(t, ns, ['tcpdump', '-lni', 'eth0', '-e', '-Q', 'in', filter]);
  await capture.says(/listening on/);
  await act();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { stdout } = await capture.stop('SIGINT');
  return stdout.split('\n').filter((line) => line !== '');
}

test.serial('same MACs, same addresses, two networks: no leak', (t) =>
  onNodes(['--nodes', '3', '--endpoints', '0'], async (nodes) => {
    await join(nodes);
    const ns = (node: number, color: Color) => nodes.ns(whereOf(node, color));
    for (const color of COLORS) {
      for (const [from, to] of pairs) {
        t.true(await pings(ns(from, color), ipOf(to)), `${color} ${from} -> ${to}`);
        t.true(await pings(ns(from, color), ip6Of(to)), `${color} ${from} -> ${to}, IPv6`);
      }
    }
    t.true(await tcpBothWays(t, ns(1, 'blue'), ns(2, 'blue'), ipOf(2), 1 << 22));
    t.true(await tcpBothWays(t, ns(3, 'red'), ns(1, 'red'), ip6Of(1), 1 << 22));
    t.deepEqual(await udpEcho(t, ns(2, 'red'), ns(3, 'red'), ipOf(3), [1, 512, 1400]), []);

    // Frames flooded or sent in one network reach all of that network, and nothing of the other.
    const marked = ['-c', '3', '-i', '0.1', '-W', '1', '-p', 'c0ffee'];
    for (const argv of [
      ['ping', '-b', ...marked, '10.77.0.255'],
      ['ping', '-I', 'eth0', ...marked, '224.0.0.1'],
      ['ping', ...marked, ipOf(2)],
    ]) {
      const say = () => run(['ip', 'netns', 'exec', ns(1, 'blue'), ...argv]);
      const [blue, red, red2] = await Promise.all([
        hears(t, ns(2, 'blue'), 'icmp', say),
        hears(t, ns(2, 'red'), 'icmp', () => eventually(() => false, 1500)),
        hears(t, ns(3, 'red'), 'icmp', () => eventually(() => false, 1500)),
      ]);
      const what = argv.at(-1);
      t.true(blue.length >= 3, `${what}: ${blue.length} frames`);
      t.deepEqual([red, red2], [[], []], `${what}: nothing in the other network`);
    }

    // One network is deleted, and only that one.
    for (const number of NUMBERS) {
      await nodes.must(`n${number}`, 'detach', ns(number, 'red'));
      await nodes.must(`n${number}`, 'network', 'del', 'red');
    }
    for (const [from, to] of pairs) t.true(await pings(ns(from, 'blue'), ipOf(to)));
    for (const number of NUMBERS) await nodes.must(`n${number}`, 'status');
    const { stdout } = await nodes.must('n1', 'dump', 'fdb', '-o', 'json');
    const rows = JSON.parse(stdout) as { vni: number; state: string }[];
    t.true(rows.every(({ vni, state }) => vni !== VNIS.red || state === 'learned'));
  }),
);

test.serial('a broadcast arrives once at each endpoint of each node', (t) =>
  onNodes(['--nodes', '3', '--endpoints', '2'], async (nodes) => {
    const places = ['n1e2', 'n2e1', 'n2e2', 'n3e1', 'n3e2'];
    const say = () =>
      nodes.within('n1e1', 'ping', '-b', '-c', '1', '-W', '1', '10.210.255.255').catch(() => '');
    const heard = await Promise.all(
      places.map((where, index) =>
        hears(t, nodes.ns(where), 'icmp[icmptype] == 8', async () => {
          if (index > 0) {
            await eventually(() => false, 1000);
            return;
          }
          await eventually(() => false, 400);
          await say();
        }),
      ),
    );
    t.deepEqual(
      heard.map((lines) => lines.length),
      places.map(() => 1),
      heard.flat().join('\n'),
    );
    const back = await nodes.json<{ name: string; rx_packets: number }[]>('n1', 'dump', 'nodes');
    t.is(back.length, 2);
  }),
);

test.serial('a MAC configured behind a node is not learned, and this node answers for it', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    const mac = (await nodes.within('n2e1', 'cat', '/sys/class/net/eth0/address')).trim();
    const told = ['fdb', 'add', mac, '--network', 'net1', '--node', 'n2'];
    const added = await nodes.must('n1', ...told, '--ip', '10.210.2.1', '--ip', 'fd00:210::2:1');
    t.is(added.stderr, `fdb ${mac} added: behind node n2 on net1`);
    t.is((await nodes.must('n1', ...told)).stderr, `fdb ${mac} unchanged: behind node n2 on net1`);
    const requests = await hears(
      t,
      nodes.ns('n2e1'),
      // Not the container's own solicitations for its new addresses.
      'arp or (icmp6[icmp6type] == 135 and not ip6 src ::)',
      async () => {
        t.true(await pings(nodes.ns('n1e1'), '10.210.2.1'));
        t.true(await pings(nodes.ns('n1e1'), 'fd00:210::2:1'));
      },
    );
    const broadcast = requests.filter((line) => /> (ff:ff:ff:ff:ff:ff|33:33:)/.test(line));
    t.deepEqual(broadcast, [], 'nobody was asked');
    type Row = { mac: string; node: string; state: string; dst: string };
    const row = async () =>
      (await nodes.json<Row[]>('n1', 'dump', 'fdb')).find((each) => each.mac === mac);
    t.like(await row(), { node: 'n2', state: 'static', dst: '172.31.210.2' });
    const neigh = await nodes.json<{ dst: string; mac: string }[]>('n1', 'dump', 'neigh');
    t.deepEqual(
      neigh
        .filter((each) => each.mac === mac)
        .map(({ dst }) => dst)
        .toSorted(),
      ['10.210.2.1', 'fd00:210::2:1'],
    );
    await nodes.must('n1', 'status');

    // The address is not given to others in the meantime.
    const ns = await nodes.container('n1e9');
    const taken = await nodes.dpctl('n1', [
      'attach',
      ns,
      '--network',
      'net1',
      '--ip',
      '10.210.2.1',
    ]);
    t.is(taken.code, 1);
    t.regex(
      taken.stderr,
      new RegExp(`^error\\[ADDRESS_IN_USE\\]: 10\\.210\\.2\\.1 belongs to ${mac}`),
    );

    await nodes.must('n1', 'fdb', 'del', mac, '--network', 'net1');
    t.not((await row())?.state, 'static', 'gone, if not learned by now');
    t.true(await pings(nodes.ns('n1e1'), '10.210.2.1'));
    t.like(await row(), { node: 'n2', state: 'learned' });
    // A node's configured entries are deleted with it.
    await nodes.must('n1', ...told);
    await nodes.must('n1', 'node', 'del', 'n2');
    t.is(await row(), undefined);
    await nodes.must('n1', 'status');
  }),
);

test.serial('with learning off, only configured MACs are known behind other nodes', (t) =>
  onNodes(['--endpoints', '1', '--nodes', '2'], async (nodes) => {
    const known = async () => {
      const rows = await nodes.json<{ node: string; state: string }[]>('n1', 'dump', 'fdb');
      return rows.filter(({ node }) => node === 'n2').map(({ state }) => state);
    };
    await nodes.must('n1', 'network', 'add', 'net1', '--no-learn-nodes');
    await nodes.must('n1', 'fdb', 'flush');
    t.true(await pings(nodes.ns('n1e1'), '10.210.2.1'), 'what is not known is flooded');
    t.deepEqual(await known(), []);

    await nodes.must('n1', 'network', 'add', 'net1', '--no-flood-unknown');
    t.false(await pings(nodes.ns('n1e1'), '10.210.2.1'), 'what is not known is dropped');
    const mac = (await nodes.within('n2e1', 'cat', '/sys/class/net/eth0/address')).trim();
    await nodes.must('n1', 'fdb', 'add', mac, '--network', 'net1', '--node', 'n2');
    t.true(await pings(nodes.ns('n1e1'), '10.210.2.1'));
    t.deepEqual(await known(), ['static']);

    await nodes.must('n1', 'network', 'add', 'net1', '--flood-unknown', '--learn-nodes');
    await nodes.must('n1', 'fdb', 'del', mac, '--network', 'net1');
    t.true(await pings(nodes.ns('n1e1'), '10.210.2.1'));
    t.deepEqual(await known(), ['learned']);
  }),
);

test.serial('a container may have a tunnel of its own through the overlay', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
    for (const [number, other] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const where = `n${number}e1`;
      const vxlan = ['id', '5', 'dstport', '4790', 'remote', `10.210.${other}.1`, 'dev', 'eth0'];
      await nodes.within(where, 'ip', 'link', 'add', 'in0', 'type', 'vxlan', ...vxlan);
      await nodes.within(where, 'ip', 'addr', 'add', `10.55.0.${number}/24`, 'dev', 'in0');
      await nodes.within(where, 'ip', 'link', 'set', 'in0', 'up');
      const features = await nodes.within(where, 'ethtool', '-k', 'eth0');
      t.regex(features, /tx-udp_tnl-segmentation: off/);
      t.regex(features, /tx-sctp-segmentation: off/, 'segments of SCTP, too, are cut inside');
    }
    const [one, two] = [nodes.ns('n1e1'), nodes.ns('n2e1')];
    t.true(await pings(one, '10.55.0.2'));
    t.true(await tcpBothWays(t, one, two, '10.55.0.2', 1 << 22));
    for (const node of ['n1', 'n2']) {
      const stats = await nodes.json<{ name: string }[]>(node, 'dump', 'stats');
      t.false(
        stats.some(({ name }) => name === 'encap_gso'),
        'no segment was refused',
      );
    }
    // Also in an existing namespace, which gets its former value back.
    const veth = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', two];
    const cut = () => nodes.within('n2e1', 'ethtool', '-k', 'eth0');
    await nodes.must('n2', 'detach', two);
    await nodes.within('n2', 'ip', 'link', 'add', 'c0', ...veth);
    await nodes.within('n2e1', 'ethtool', '-K', 'eth0', 'tx-gre-segmentation', 'off');
    await nodes.must('n2', 'attach', two, '--network', 'net1', '--ip', '10.210.2.1');
    t.regex(await cut(), /tx-udp_tnl-segmentation: off/);
    await nodes.must('n2', 'detach', two);
    t.regex(await cut(), /tx-udp_tnl-segmentation: on/);
    t.regex(await cut(), /tx-gre-segmentation: off/, 'and no more than it had');
    // Without an underlay, segments stay whole.
    await nodes.must('n1', 'underlay', 'del');
    t.regex(await nodes.within('n1e1', 'ethtool', '-k', 'eth0'), /tx-udp_tnl-segmentation: on/);
  }),
);
