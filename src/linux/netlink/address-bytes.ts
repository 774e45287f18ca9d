/**
 * Addresses between their text and the bytes that netlink carries (network order).
 */

import ipaddr from 'ipaddr.js';
import { DpctlError } from '../../../loader/errors.js';

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

/** Six bytes of "aa:bb:cc:dd:ee:ff" (also with dashes). Throws BAD_ADDRESS (exit 1) for anything else. */
export function macBytes(mac: string): Uint8Array {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(mac)) {
    throw badAddress(mac, 'a MAC address of six bytes, like 0a:58:0a:c9:00:02');
  }
  return Uint8Array.from(mac.split(/[:-]/), (byte) => Number.parseInt(byte, 16));
}

/** Bytes of a link-layer address as lower-case pairs with colons; empty text for no bytes. */
export function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * Bytes and family of an IPv4 (four decimal parts) or IPv6 address. Throws BAD_ADDRESS (exit 1) for
 * anything else, zone suffixes included: a netlink message names its device by index.
 */
export function ipBytes(address: string): AddressBytes {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
    return {
      family: AF.INET,
      bytes: Uint8Array.from(ipaddr.IPv4.parse(address).toByteArray()),
    };
  }
  if (!ipaddr.IPv6.isValid(address) || address.includes('%')) {
    throw badAddress(address, 'an IPv4 or IPv6 address');
  }
  return { family: AF.INET6, bytes: Uint8Array.from(ipaddr.IPv6.parse(address).toByteArray()) };
}

/** Text of 4 or 16 bytes in network order (IPv6 as RFC 5952 writes it). Throws RangeError for another length. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length !== 4 && bytes.length !== 16) {
    throw new RangeError(`an IP address of ${bytes.length} bytes`);
  }
  return ipaddr.fromByteArray(Array.from(bytes)).toString();
}

/** Bytes, family and length of "10.0.0.0/8" or "fd00::/64". Throws BAD_ADDRESS (exit 1) for anything else. */
export function prefixBytes(prefix: string): PrefixBytes {
  const [address = '', length = '', ...rest] = prefix.split('/');
  const { family, bytes } = ipBytes(address);
  const prefixLength = /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (rest.length > 0 || prefixLength < 0 || prefixLength > bytes.length * 8) {
    throw badAddress(prefix, 'a prefix, like 10.201.0.0/16 or fd00::/64');
  }
  return { family, bytes, prefixLength };
}

/** 4 for AF_INET, 6 for AF_INET6, undefined for the rest. */
export function ipVersion(family: number): 4 | 6 | undefined {
  if (family === AF.INET) return 4;
  return family === AF.INET6 ? 6 : undefined;
}

function badAddress(given: string, wanted: string): DpctlError {
  return new DpctlError('BAD_ADDRESS', `"${given}" is not ${wanted}`, {
    exitCode: 1,
    details: { value: given },
  });
}
