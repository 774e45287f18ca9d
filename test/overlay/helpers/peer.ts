/** A foreign node: the kernel's own vxlan device in a bridge. */

import { ip4Of, ip6Of, macOf, PORT, vtep4, vtep6 } from './address-plan.js';
import type { Fabric } from './fabric.js';
import { awaitUp, batch, sh } from './shell.js';

/** A container behind a peer. */
export interface Guest {
  readonly ns: string;
  readonly mac: string;
  readonly ip4: string;
  readonly ip6: string;
}

export interface PeerOptions {
  readonly number: number;
  readonly family: 4 | 6;
  readonly vni: number;
  /** Numbers of the nodes that its floods go to. */
  readonly nodes: readonly number[];
  /** More arguments for `ip link add type vxlan`. */
  readonly vxlan?: string;
}

export interface Peer {
  readonly ns: string;
  guest(k: number): Guest;
}

/** Bytes that the outer headers add, by family of the underlay. */
const OVERHEAD = { 4: 50, 6: 70 } as const;

/** Create a peer on a host of the fabric. */
export function makePeer(fabric: Fabric, options: PeerOptions): Peer {
  const { number, family, vni, nodes, vxlan = '' } = options;
  const ns = fabric.host(number);
  const vtep = family === 4 ? vtep4 : vtep6;
  const mtu = fabric.mtu - OVERHEAD[family];
  // Without these arguments the kernel neither sends nor accepts IPv6 packets with a checksum of zero.
  const zero =
    family === 6 && !vxlan.includes('udp6zerocsumtx') ? 'udp6zerocsumtx udp6zerocsumrx' : '';
  batch(
    ns,
    'link add br0 type bridge',
    `link add vx0 type vxlan id ${vni} local ${vtep(number)} dstport ${PORT} ${zero} ${vxlan}`,
    `link set vx0 mtu ${mtu} master br0 up`,
    `link set br0 mtu ${mtu} up`,
  );
  for (const node of nodes) {
    sh(ns, 'bridge', 'fdb', 'append', '00:00:00:00:00:00', 'dev', 'vx0', 'dst', vtep(node));
  }
  return {
    ns,
    guest(k) {
      const name = `${ns}k${k}`;
      const it = { mac: macOf(number, k), ip4: ip4Of(number, k), ip6: ip6Of(number, k) };
      sh('', 'ip', 'netns', 'add', name);
      batch(
        ns,
        `link add g${k} mtu ${mtu} type veth peer name eth0 address ${it.mac} mtu ${mtu} netns ${name}`,
        `link set g${k} master br0 up`,
      );
      batch(
        name,
        'link set lo up',
        'link set eth0 up',
        `addr add ${it.ip4}/16 dev eth0`,
        `addr add ${it.ip6}/64 dev eth0 nodad`,
      );
      awaitUp(ns, `g${k}`);
      awaitUp(name, 'eth0');
      return { ns: name, ...it };
    },
  };
}
