/**
 * A node without dpctl in a lab's segment: its place on the underlay, its endpoint, and all traffic that
 * must pass between the two kinds of nodes.
 */
import type { ExecutionContext } from 'ava';
import { pings, tcpBothWays, udpEcho } from '../../system/helpers/conversation.js';
import { run } from '../../system/helpers/lab.js';
import type { Nodes } from './nodes.js';

/** Family of the addresses on the underlay. */
export type Family = 'ip4' | 'ip6';

/** An endpoint to exchange traffic with. */
export interface Guest {
  /** Name of its namespace in the lab. */
  readonly where: string;
  readonly ip4: string;
  readonly ip6: string;
}

/** Number of the foreign node. */
export const STRANGER = 9;
/** Its name in the lab. */
export const HOST = `n${STRANGER}`;
/** Its address on the underlay, and the length of the prefix. */
export const VTEP = { ip4: '172.31.210.9', ip6: 'fd00:31::9' } as const;
export const PREFIX = { ip4: 24, ip6: 64 } as const;
/** VNI of the lab's first network. */
export const VNI = 210;
/** Bytes that VXLAN adds. */
export const OVERHEAD = { ip4: 50, ip6: 70 } as const;
/** Addresses of the lab's nodes, which the foreign node must know. */
export const OTHERS: Readonly<Record<Family, readonly string[]>> = {
  ip4: ['172.31.210.1', '172.31.210.2'],
  ip6: ['fd00:31::1', 'fd00:31::2'],
};

/** `ip` in a namespace, the words separated by blanks; throws with its error output. */
export async function ip(ns: string, line: string): Promise<void> {
  const ran = await run(['ip', '-n', ns, ...line.split(' ')]);
  if (ran.code !== 0) throw new Error(`${line}: ${ran.stderr}`);
}

/**
 * Create the namespaces of the foreign node and of its endpoint, connect it to the lab's switch (`under0`,
 * up, without an address) and add it to dpctl's nodes.
 * @returns names of the two namespaces
 */
export async function plugIn(
  nodes: Nodes,
  family: Family,
  mtu: number,
): Promise<{ node: string; guest: string }> {
  const node = await nodes.container(HOST);
  const guest = await nodes.container(`${HOST}e1`);
  const port = `p${STRANGER}`;
  const peer = `type veth peer name under0 mtu ${mtu} netns ${node}`;
  await ip(nodes.ns('sw'), `link add ${port} mtu ${mtu} ${peer}`);
  await ip(nodes.ns('sw'), `link set ${port} master br0 up`);
  await ip(node, 'link set lo up');
  await ip(node, 'link set under0 up');
  for (const where of ['n1', 'n2']) {
    await nodes.must(where, 'node', 'add', 'stranger', '--vtep', VTEP[family]);
  }
  return { node, guest };
}

/** Create the foreign node's port `g1`, with its endpoint behind it; the port is not up yet. */
export async function addGuest(node: string, guest: string, inside: number): Promise<Guest> {
  const it = { ip4: '10.210.9.1', ip6: 'fd00:210::9:1' };
  await ip(node, `link add g1 mtu ${inside} type veth peer name eth0 mtu ${inside} netns ${guest}`);
  for (const line of [
    'link set lo up',
    'link set eth0 up',
    `addr add ${it.ip4}/16 dev eth0`,
    `addr add ${it.ip6}/64 dev eth0 nodad`,
  ]) {
    await ip(guest, line);
  }
  return { where: `${HOST}e1`, ...it };
}

/**
 * Exchange all kinds of traffic between endpoints of the two nodes and the foreign one: unicast, ARP and
 * neighbour discovery, packets up to the MTU and larger, TCP, UDP, broadcast.
 * @param inside MTU of the endpoints
 * @param bytes of TCP each way
 */
export async function everythingBothWays(
  t: ExecutionContext,
  nodes: Nodes,
  guest: Guest,
  inside: number,
  bytes = 1 << 22,
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
      t.true(await tcpBothWays(t, source, target, to.ip4, bytes), `${title}, TCP`);
      t.true(await tcpBothWays(t, source, target, to.ip6, bytes), `${title}, TCP, IPv6`);
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
