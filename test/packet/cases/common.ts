/** Shared by several tables of cases. */
import { eth, ip4, ip6, TYPE, udp } from '../helpers/frame.js';
import { PORTS, type PortName } from '../helpers/ports.js';

/** All other ports of the first network, for a port that is not isolated. */
export function everybodyBut(name: PortName): PortName[] {
  const network = PORTS[name].network;
  return (Object.keys(PORTS) as PortName[]).filter(
    (other) => other !== name && PORTS[other].network === network && !('hidden' in PORTS[other]),
  );
}

/** An IPv4 UDP frame from a port's own addresses. */
export function udp4(from: PortName, to: string, dst = '10.0.0.99'): Uint8Array {
  const { mac, ip4: src } = PORTS[from];
  return eth(to, mac, TYPE.ip4, ip4({ src, dst }, udp(1000, 2000)));
}

/** An IPv6 UDP frame from a port's own addresses. */
export function udp6(from: PortName, to: string, dst = 'fd00::99'): Uint8Array {
  const { mac, ip6: src } = PORTS[from];
  return eth(to, mac, TYPE.ip6, ip6({ src, dst }, udp(1000, 2000)));
}

/** A frame of a protocol that no stack knows. */
export function other(from: string, to: string, ...payload: readonly number[]): Uint8Array {
  return eth(to, from, TYPE.other, payload, new Uint8Array(46));
}
