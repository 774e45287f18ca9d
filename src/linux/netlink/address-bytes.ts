/** Addresses between text and the bytes that netlink carries (network order). */

import { bytesToIp, type Ip, ipToBytes, parseIp } from '../../model/address/ip.js';
import { canonicalMac, macToBytes } from '../../model/address/mac.js';
import { parseAddress, prefixError } from '../../model/address/prefix.js';

/** Address families of sockets, as in <sys/socket.h> on Linux. */
export const AF = { UNSPEC: 0, INET: 2, INET6: 10 } as const;

/** An address and the family it belongs to. */
export interface AddressBytes {
  readonly family: number;
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
}

/** A prefix: an address with all bits kept as given, and its length in bits. */
export interface PrefixBytes extends AddressBytes {
  readonly prefixLength: number;
}

/** Parse a MAC written by a user into its six bytes. Throws MAC_INVALID (exit 1) for anything else. */
export function macBytes(mac: string): Uint8Array {
  return macToBytes(canonicalMac(mac));
}

/** Bytes of a link-layer address as lower-case pairs with colons; empty text for no bytes. */
export function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * Bytes and family of an IPv4 or IPv6 address. Throws ADDRESS_INVALID (exit 1) for anything else, including
 * zone suffixes: a netlink message names its device by index.
 */
export function ipBytes(address: string): AddressBytes {
  return bytesOf(parseIp(address));
}

/**
 * Text of 4 or 16 bytes in network order (IPv6 as RFC 5952 writes it). Throws RangeError for another length.
 */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length !== 4 && bytes.length !== 16) {
    throw new RangeError(`an IP address of ${bytes.length} bytes`);
  }
  return bytesToIp(bytes);
}

/**
 * Bytes, family and length of "10.0.0.0/8" or "fd00::/64". Throws ADDRESS_INVALID or PREFIX_INVALID
 * (exit 1) for anything else.
 */
export function prefixBytes(prefix: string): PrefixBytes {
  const { ip, length } = parseAddress(prefix);
  if (length === undefined) throw prefixError(prefix, ip);
  return { ...bytesOf(ip), prefixLength: length };
}

function bytesOf(ip: Ip): AddressBytes {
  return { family: ip.family === 4 ? AF.INET : AF.INET6, bytes: ipToBytes(ip) };
}

/** 4 for AF_INET, 6 for AF_INET6, undefined for the rest. */
export function ipVersion(family: number): 4 | 6 | undefined {
  if (family === AF.INET) return 4;
  return family === AF.INET6 ? 6 : undefined;
}
