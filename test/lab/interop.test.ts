/**
 * A node of somebody else in the segment: the kernel's own VXLAN device in a Linux bridge. dpctl's
 * nodes are made by its commands alone.
 */
import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { linkKind, need, once } from '../helpers/need.js';
import { run } from '../system/helpers/lab.js';
import { pings, tcpBothWays, udpEcho } from '../system/helpers/talk.js';
import { type Nodes, onNodes } from './helpers/nodes.js';

interface Guest {
  readonly where: string;
  readonly ip4: string;
  readonly ip6: string;
}

/** Number of the node that is not dpctl's, and its addresses on the underlay. */
const STRANGER = 9;
const VTEP = { ip4: '172.31.210.9', ip6: 'fd00:31::9' } as const;
type Family = keyof typeof VTEP;
const OVERHEAD = { ip4: 50, ip6: 70 } as const;

/** Put a node on the lab's switch that has never heard of dpctl. */
async function addStranger(nodes: Nodes, family: Family, mtu: number): Promise<Guest> {
  const node = await nodes.container(`n${STRANGER}`);
  const guest = await nodes.container(`n${STRANGER}e1`);
  const inside = mtu - OVERHEAD[family];
  const ip = async (ns: string, line: string) => {
    const ran = await run(['ip', '-n', ns, ...line.split(' ')]);
    if (ran.code !== 0) throw new Error(`${line}: ${ran.stderr}`);
  };
  const port = `p${STRANGER}`;
  const peer = `type veth peer name under0 mtu ${mtu} netns ${node}`;
  await ip(nodes.ns('sw'), `link add ${port} mtu ${mtu} ${peer}`);
  await ip(nodes.ns('sw'), `link set ${port} master br0 up`);
  for (const line of [
    'link set lo up',
    'link set under0 up',
    `addr add ${VTEP.ip4}/24 dev under0`,
    `addr add ${VTEP.ip6}/64 dev under0 nodad`,
    'link add br0 type bridge',
    `link add vx0 type vxlan id 210 local ${VTEP[family]} dstport 4789${
      family === 'ip6' ? ' udp6zerocsumtx udp6zerocsumrx' : ''
    }`,
    `link set vx0 mtu ${inside} master br0 up`,
    `link set br0 mtu ${inside} up`,
    `link add g1 mtu ${inside} type veth peer name eth0 mtu ${inside} netns ${guest}`,
    'link set g1 master br0 up',
  ]) {
    await ip(node, line);
  }
  for (const [number, address] of [
    [1, family === 'ip4' ? '172.31.210.1' : 'fd00:31::1'],
    [2, family === 'ip4' ? '172.31.210.2' : 'fd00:31::2'],
  ] as const) {
    const fdb = ['00:00:00:00:00:00', 'dev', 'vx0', 'dst', address];
    await nodes.within(`n${STRANGER}`, 'bridge', 'fdb', 'append', ...fdb);
    await nodes.must(`n${number}`, 'node', 'add', 'stranger', '--vtep', VTEP[family]);
  }
  const it = { ip4: '10.210.9.1', ip6: 'fd00:210::9:1' };
  for (const line of [
    'link set lo up',
    'link set eth0 up',
    `addr add ${it.ip4}/16 dev eth0`,
    `addr add ${it.ip6}/64 dev eth0 nodad`,
  ]) {
    await ip(guest, line);
  }
  return { where: `n${STRANGER}e1`, ...it };
}

async function everythingBothWays(
  t: ExecutionContext,
  nodes: Nodes,
  guest: Guest,
  inside: number,
): Promise<void> {
  const ours: readonly Guest[] = [1, 2].map((number) => ({
    where: `n${number}e1`,
    ip4: `10.210.${number}.1`,
    ip6: `fd00:210::${number}:1`,
  }));
  for (const one of ours) {
    for (const [from, to] of [
      [one, guest],
      [guest, one],
    ] as const) {
      const [source, target] = [nodes.ns(from.where), nodes.ns(to.where)];
      const title = `${from.where} -> ${to.where}`;
      t.true(await pings(source, to.ip4), title);
      t.true(await pings(source, to.ip6), `${title}, IPv6`);
      t.true(
        await pings(source, to.ip4, '-M', 'do', '-s', `${inside - 28}`),
        `${title}, whole MTU`,
      );
      t.true(await pings(source, to.ip6, '-s', `${inside + 500}`), `${title}, fragments`);
      t.true(await tcpBothWays(t, source, target, to.ip4, 1 << 22), `${title}, TCP`);
      t.true(await tcpBothWays(t, source, target, to.ip6, 1 << 22), `${title}, TCP, IPv6`);
      t.deepEqual(await udpEcho(t, source, target, to.ip4, [1, 512, 1400]), [], `${title}, UDP`);
    }
  }
  const broadcast = ['ping', '-b', '-c', '3', '-i', '0.1', '-W', '1', '10.210.255.255'];
  await nodes.within(guest.where, 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_broadcasts=0');
  t.regex(await nodes.within('n1e1', ...broadcast), /from 10\.210\.9\.1:/, 'broadcast');
  for (const node of ['n1', 'n2']) await nodes.must(node, 'status');
  const rows = await nodes.json<{ name: string; learned: number }[]>('n1', 'dump', 'nodes');
  t.true((rows.find(({ name }) => name === 'stranger')?.learned ?? 0) > 0);
}

const vxlan = once('link vxlan', () => {
  const words = ['-n', 'ip', 'link', 'add', 'dpneed0', 'type', 'vxlan', 'id', '1', 'dstport', '0'];
  const made = spawnSync('unshare', words, { encoding: 'utf8' });
  return made.status === 0
    ? undefined
    : `vxlan devices, and the kernel says: ${made.stderr.trim()}`;
});
const maybe = need(vxlan, linkKind('bridge'));
for (const [family, underlay, mtu] of [
  ['ip4', 'gso', 1500],
  ['ip4', 'wire', 1500],
  ['ip6', 'gso', 9000],
] as const) {
  maybe.serial(
    `a kernel's VXLAN in a bridge is a node like others: ${family}, ${underlay}, ${mtu}`,
    (t) =>
      onNodes(
        ['--endpoints', '1', '--family', family, '--underlay', underlay, '--mtu', `${mtu}`],
        async (nodes) => {
          const guest = await addStranger(nodes, family, mtu);
          await everythingBothWays(t, nodes, guest, mtu - OVERHEAD[family]);
        },
      ),
  );
}

maybe.serial('each way of taking VXLAN apart is chosen under traffic', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
    const guest = await addStranger(nodes, 'ip4', 1500);
    for (const decap of ['xdp', 'tc', 'auto', 'tc', 'tc-gro']) {
      const set = await nodes.must('n1', 'underlay', 'set', 'under0', '--decap', decap);
      const why =
        decap === 'auto' ? 'tc-gro: the kernel merges packets of the tunnel' : `${decap}: as asked`;
      t.true(set.stderr.includes(why), set.stderr);
      t.regex((await nodes.must('n1', 'status')).stdout, new RegExp(`^decap +${why}`, 'm'));
      t.true(await pings(nodes.ns(guest.where), '10.210.1.1'), decap);
      const [from, to] = [nodes.ns(guest.where), nodes.ns('n1e1')];
      t.true(await tcpBothWays(t, from, to, '10.210.1.1', 1 << 22), decap);
      const links = await nodes.within('n1', 'ip', '-d', 'link', 'show', 'under0');
      t.is(/prog\/xdp/.test(links), decap === 'xdp', links);
      const anchors = await nodes.within('n1', 'ip', '-br', 'link', 'show', 'type', 'vxlan');
      t.is(/^dpx0 /m.test(anchors), decap !== 'tc', anchors);
    }
  }),
);
