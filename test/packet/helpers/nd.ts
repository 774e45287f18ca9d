/** Neighbour discovery and multicast listener messages (RFC 4861, RFC 3810). */
import { checksum, type Ip6, ip, ip6, join, mac, PROTO, u32 } from './frame.js';

/** ICMPv6 types. */
export const ICMP6 = {
  echo: 128,
  mldReport: 131,
  mldDone: 132,
  routerSolicit: 133,
  routerAdvert: 134,
  solicit: 135,
  advert: 136,
  redirect: 137,
  mld2Report: 143,
} as const;

export const SOURCE_MAC = 1;
export const TARGET_MAC = 2;

/** R, S and O of an advertisement (RFC 4861, 4.4). */
export const ADVERT = { router: 0x80, solicited: 0x40, override: 0x20 } as const;

/** An option with a link-layer address. */
export function macOption(type: number, address: string): Uint8Array {
  return join([type, 1], mac(address));
}

/** An ICMPv6 message with its checksum; the length is computed by default. */
export function icmp6(
  from: string,
  to: string,
  type: number,
  ...body: readonly (Uint8Array | readonly number[])[]
): Uint8Array {
  const message = join([type, 0, 0, 0], ...body);
  const pseudo = join(ip(from), ip(to), u32(message.length), u32(PROTO.icmp6));
  const sum = checksum(join(pseudo, message));
  message.set([sum >>> 8, sum & 0xff], 2);
  return message;
}

/** An IPv6 packet with an ICMPv6 message; hop limit 255 by default. */
export function icmp6Packet(
  it: Ip6,
  type: number,
  ...body: readonly (Uint8Array | readonly number[])[]
): Uint8Array {
  return ip6({ next: PROTO.icmp6, hops: 255, ...it }, icmp6(it.src, it.dst, type, ...body));
}

/** The group of solicitations for an address (RFC 4291, 2.7.1). */
export function solicitedNode(address: string): string {
  const [b = 0, c = 0, d = 0] = ip(address).slice(13);
  const hex = (n: number) => n.toString(16).padStart(2, '0');
  return `ff02::1:ff${hex(b)}:${hex(c)}${hex(d)}`;
}

/** The MAC group of an IPv6 group (RFC 2464, 7). */
export function groupMac(address: string): string {
  const tail = [...ip(address).slice(12)].map((byte) => byte.toString(16).padStart(2, '0'));
  return ['33', '33', ...tail].join(':');
}

/** A neighbour solicitation packet: for the target, from an address or from ::. */
export function solicit(
  target: string,
  from: string,
  options: Uint8Array = new Uint8Array(0),
  to = solicitedNode(target),
): Uint8Array {
  return icmp6Packet({ src: from, dst: to }, ICMP6.solicit, u32(0), ip(target), options);
}

/** A neighbour advertisement packet. */
export function advert(
  target: string,
  from: string,
  to: string,
  flags: number,
  options: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return icmp6Packet({ src: from, dst: to }, ICMP6.advert, [flags, 0, 0, 0], ip(target), options);
}
