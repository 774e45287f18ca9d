/**
 * Frames as bytes, header by header, so that a test can make any of them invalid. It does not use the
 * product's own parsers: their errors would be on both sides, and go unnoticed.
 */
import ipaddr from 'ipaddr.js';

/** EtherTypes. */
export const TYPE = {
  ip4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ip6: 0x86dd,
  qinq: 0x88a8,
  lldp: 0x88cc,
  /** For local experiments (IEEE 802): what no stack knows. */
  other: 0x88b5,
} as const;

/** IP protocols and IPv6 extension headers. */
export const PROTO = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  routing: 43,
  fragment: 44,
  ah: 51,
  icmp6: 58,
  destination: 60,
} as const;

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** Concatenate all parts. */
export function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** 16 bits in network byte order. */
export function u16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

/** 32 bits in network byte order. */
export function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}

/** A MAC address's six bytes. */
export function mac(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

/** A MAC address as text. */
export function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** An address's 4 or 16 bytes. */
export function ip(text: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(text).toByteArray());
}

/** An address in the tables' form: IPv4 as ::ffff:a.b.c.d. */
export function ip16(text: string): Uint8Array {
  const bytes = ip(text);
  return bytes.length === 16 ? bytes : join(new Uint8Array(10), [0xff, 0xff], bytes);
}

/** The link-local address that is made of a MAC (RFC 4291, appendix A). */
export function linkLocal(text: string): string {
  const [a = 0, b, c, d, e, f] = [...mac(text)] as number[];
  const id = [a ^ 2, b ?? 0, c ?? 0, 0xff, 0xfe, d ?? 0, e ?? 0, f ?? 0];
  return ipaddr.fromByteArray([0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...id]).toString();
}

/** The Internet checksum (RFC 1071) of an even or odd number of bytes. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An Ethernet frame. */
export function eth(
  to: string,
  from: string,
  type: number,
  ...payload: readonly (Uint8Array | readonly number[])[]
): Uint8Array {
  return join(mac(to), mac(from), u16(type), ...payload);
}

/** A VLAN tag's two bytes and the EtherType behind it; the EtherType before it is that of a VLAN. */
export function vlan(id: number, type: number): number[] {
  return [...u16(id), ...u16(type)];
}

/** Fields of an ARP packet; the others are as a host sends them. */
export interface Arp {
  readonly op?: number;
  readonly senderMac: string;
  readonly sender: string;
  readonly targetMac?: string;
  readonly target: string;
  readonly hardware?: number;
}

/** An ARP packet (RFC 826): a request by default. */
export function arp(it: Arp): Uint8Array {
  return join(
    u16(it.hardware ?? 1),
    u16(TYPE.ip4),
    [6, 4],
    u16(it.op ?? 1),
    mac(it.senderMac),
    ip(it.sender),
    mac(it.targetMac ?? '00:00:00:00:00:00'),
    ip(it.target),
  );
}

/** Fields of an IPv4 header; flags and fragment offset as one field. */
export interface Ip4 {
  readonly src: string;
  readonly dst: string;
  readonly protocol?: number;
  readonly fragment?: number;
  /** Options, a multiple of four bytes. */
  readonly options?: readonly number[];
  readonly version?: number;
  /** Total length; computed by default. */
  readonly length?: number;
}

/** An IPv4 packet (RFC 791). */
export function ip4(it: Ip4, ...payload: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const options = it.options ?? [];
  const body = join(...payload);
  const length = 20 + options.length;
  const head = (sum: number) =>
    join(
      [((it.version ?? 4) << 4) | (length / 4), 0],
      u16(it.length ?? length + body.length),
      u16(1),
      u16(it.fragment ?? 0),
      [64, it.protocol ?? PROTO.udp],
      u16(sum),
      ip(it.src),
      ip(it.dst),
      options,
    );
  return join(head(checksum(head(0))), body);
}

/** A UDP datagram without a checksum. */
export function udp(from: number, to: number, payload: Uint8Array = new Uint8Array(18)) {
  return join(u16(from), u16(to), u16(8 + payload.length), u16(0), payload);
}

/** A DHCP message without options (RFC 2131, 2): a request by default. */
export function dhcp(
  client: string,
  it: { readonly op?: number; readonly hardware?: number } = {},
): Uint8Array {
  return join(
    [it.op ?? 1, it.hardware ?? 1, 6, 0],
    new Uint8Array(24),
    mac(client),
    new Uint8Array(202),
  );
}

/** Fields of an IPv6 header. */
export interface Ip6 {
  readonly src: string;
  readonly dst: string;
  readonly next?: number;
  readonly hops?: number;
  readonly version?: number;
  /** Payload length; computed by default. */
  readonly length?: number;
}

/** An IPv6 packet (RFC 8200). */
export function ip6(it: Ip6, ...payload: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const body = join(...payload);
  return join(
    u32((it.version ?? 6) * 0x10000000),
    u16(it.length ?? body.length),
    [it.next ?? PROTO.udp, it.hops ?? 64],
    ip(it.src),
    ip(it.dst),
    body,
  );
}

/** An extension header of 8 bytes and its type-length-value padding. */
export function extension(next: number): Uint8Array {
  return join([next, 0, 1, 4, 0, 0, 0, 0]);
}

/** A fragment header; offset in bytes. */
export function fragment(next: number, offset: number, more: boolean): Uint8Array {
  return join([next, 0], u16(offset | (more ? 1 : 0)), u32(7));
}
