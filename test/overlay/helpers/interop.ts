/** Traffic that must pass between a node and a kernel with vxlan and a bridge. */
import type { ExecutionContext } from 'ava';
import { vtep4, vtep6 } from './address-plan.js';
import { makeFabric, type Underlay } from './fabric.js';
import { type Decap, OVERHEAD } from './node.js';
import { makePeer } from './peer.js';
import { sh } from './shell.js';
import { nstat, pings, transfer } from './traffic.js';

export interface Meeting {
  readonly family: 4 | 6;
  readonly underlay: Underlay;
  readonly decap: Decap;
  readonly mtu: number;
  /** More arguments for the peer's vxlan device. */
  readonly vxlan: string;
}

const VNI = 4711;
const BULK = 8 << 20;

/** The name of a pairing. */
export function titleOf({ family, underlay, decap, mtu, vxlan }: Meeting): string {
  return `IPv${family} underlay of ${mtu} bytes, ${underlay}, ${decap} ${vxlan}`.trim();
}

/** A node and a peer with a container each: all traffic both ways. */
export async function meet(t: ExecutionContext, meeting: Meeting): Promise<void> {
  const { family, underlay, decap, mtu, vxlan } = meeting;
  const fabric = makeFabric({ underlay, mtu });
  t.teardown(() => fabric.close());
  const node = fabric.node(1, { decap, family });
  const peer = makePeer(fabric, { number: 3, family, vni: VNI, nodes: [1], vxlan });
  node.network(1, VNI, [3]);
  node.peer(3, family === 4 ? vtep4(3) : vtep6(3));
  const ours = node.container(1, 1);
  const theirs = peer.guest(1);
  const inside = mtu - OVERHEAD[family];
  // Frames that the peer sent before the node had its network and its container.
  const early = node.reasons();

  for (const [from, to] of [
    [ours, theirs],
    [theirs, ours],
  ] as const) {
    t.true(pings(from.ns, to.ip4), 'IPv4');
    t.true(pings(from.ns, to.ip6), 'IPv6');
    t.true(pings(from.ns, to.ip4, inside - 28, '-M', 'do'), 'as long as the MTU');
    t.true(pings(from.ns, to.ip6, inside - 48, '-M', 'do'), 'as long as the MTU, IPv6');
    t.true(pings(from.ns, to.ip4, inside + 1000), 'in fragments');
    t.true(pings(from.ns, to.ip6, inside + 1000), 'in fragments, IPv6');
    await t.notThrowsAsync(transfer(from.ns, { ns: to.ns, address: to.ip4 }, BULK));
    await t.notThrowsAsync(transfer(from.ns, { ns: to.ns, address: to.ip6 }, BULK));
  }
  // All nodes are asked and both answer: broadcast and multicast work both ways.
  for (const [from, to] of [
    [ours, theirs],
    [theirs, ours],
  ] as const) {
    sh(to.ns, 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_broadcasts=0');
    const broadcast = sh(from.ns, 'ping', '-b', '-c', '2', '-i', '0.2', '10.80.255.255');
    t.true(broadcast.includes(`from ${to.ip4}`), 'broadcast');
    // The sender answers itself, and ping stops after its second answer.
    const multicast = sh(from.ns, 'ping', '-c', '2', '-i', '0.2', 'ff02::1%eth0');
    const link = sh(to.ns, 'ip', '-6', 'addr', 'show', 'dev', 'eth0', 'scope', 'link');
    const local = /fe80:\S+(?=\/)/.exec(link)?.[0] ?? '?';
    const answers = [to.ip6, `${local}%eth0`].map((address) => `from ${address}:`);
    t.true(
      answers.some((answer) => multicast.includes(answer)),
      `multicast: ${multicast}`,
    );
  }
  t.regex(sh(ours.ns, 'arping', '-c', '1', '-I', 'eth0', theirs.ip4), new RegExp(theirs.mac, 'i'));
  t.regex(sh(theirs.ns, 'arping', '-c', '1', '-I', 'eth0', ours.ip4), new RegExp(ours.mac, 'i'));

  t.deepEqual(node.reasons(), early);
  for (const { ns } of [ours, theirs]) {
    const { TcpInCsumErrors: tcp, Icmp6InCsumErrors: icmp6, IcmpInCsumErrors: icmp } = nstat(ns);
    t.deepEqual([tcp ?? 0, icmp6 ?? 0, icmp ?? 0], [0, 0, 0], 'checksums');
  }
}
