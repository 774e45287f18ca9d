/** Prefixes (ADDRESS/LENGTH): parsing, containment, overlap and the addresses of a subnet. */

import { DpctlError } from '../../../loader/errors.js';
import type { Hint } from '../../../loader/hint.js';
import { type Family, formatIp, IP_BITS, type Ip, parseIp } from './ip.js';

/** A prefix: the bits of `value` behind `length` are zero. */
export interface Prefix extends Ip {
  /** Number of significant bits. */
  readonly length: number;
}

/** An address written by a user, with its length if it has one. */
export interface AddressText {
  readonly ip: Ip;
  readonly length: number | undefined;
}

/**
 * Parse a prefix written by a user.
 * @param text ADDRESS/LENGTH; a bare address is the prefix of that address alone
 * @param remedy makes the hint (a command to run) from the corrected prefix, if bits after the length are set
 * @throws DpctlError ADDRESS_INVALID, PREFIX_INVALID or PREFIX_HOST_BITS, exit 1
 */
export function parsePrefix(text: string, remedy?: (meant: string) => Hint): Prefix {
  const { ip, length = IP_BITS[ip.family] } = parseAddress(text);
  const prefix = prefixOf(ip, length);
  if (prefix.value !== ip.value) {
    const meant = formatPrefix(prefix);
    throw new DpctlError('PREFIX_HOST_BITS', `${text} is an address in ${meant}, not a prefix`, {
      exitCode: 1,
      hint: remedy?.(meant) ?? `write ${meant}`,
      details: { prefix: text, meant },
    });
  }
  return prefix;
}

/**
 * ADDRESS or ADDRESS/LENGTH.
 * @throws DpctlError ADDRESS_INVALID or PREFIX_INVALID, exit 1
 */
export function parseAddress(text: string): AddressText {
  const slash = text.indexOf('/');
  if (slash < 0) return { ip: parseIp(text), length: undefined };
  const ip = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  const length = /^(?:0|[1-9][0-9]{0,2})$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(length <= IP_BITS[ip.family])) {
    throw prefixError(text, ip);
  }
  return { ip, length };
}

/** The error for a prefix whose length is invalid, or missing where one is needed. */
export function prefixError(text: string, ip: Ip): DpctlError {
  return new DpctlError(
    'PREFIX_INVALID',
    `${JSON.stringify(text)}: the length of an IPv${ip.family} prefix is 0 to ${IP_BITS[ip.family]}`,
    {
      exitCode: 1,
      hint: `write it as ${formatIp(ip)}/${ip.family === 4 ? 24 : 64}`,
      details: { prefix: text },
    },
  );
}

/** A prefix in canonical text. @throws as {@link parsePrefix} */
export function canonicalPrefix(text: string): string {
  return formatPrefix(parsePrefix(text));
}

/** Canonical text of a prefix. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatIp(prefix)}/${prefix.length}`;
}

/** The prefix of a given length that contains an address. */
export function prefixOf(ip: Ip, length: number): Prefix {
  const host = BigInt(IP_BITS[ip.family] - length);
  return { family: ip.family, value: (ip.value >> host) << host, length };
}

/** The highest address of a prefix; for an IPv4 subnet, the broadcast address. */
export function lastOf(prefix: Prefix): Ip {
  const host = BigInt(IP_BITS[prefix.family] - prefix.length);
  return { family: prefix.family, value: prefix.value | ((1n << host) - 1n) };
}

/** Whether an address is in a prefix. */
export function contains(prefix: Prefix, ip: Ip): boolean {
  if (prefix.family !== ip.family) return false;
  const host = BigInt(IP_BITS[prefix.family] - prefix.length);
  return ip.value >> host === prefix.value >> host;
}

/** Whether two prefixes have an address in common. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.length <= b.length ? contains(a, b) : contains(b, a);
}

/**
 * Lowest and highest address of a subnet that a station may use.
 *
 * IPv4 without the network's and the broadcast address (RFC 1122, 3.2.1.3), but both of a /31 (RFC 3021) and
 * the one of a /32. IPv6 without the subnet-router anycast address (RFC 4291, 2.6.1), but both of a /127 (RFC
 * 6164).
 */
export function hostRange(subnet: Prefix): { readonly first: bigint; readonly last: bigint } {
  const last = lastOf(subnet).value;
  if (subnet.length >= IP_BITS[subnet.family] - 1) return { first: subnet.value, last };
  return { first: subnet.value + 1n, last: subnet.family === 4 ? last - 1n : last };
}

/** The address of ADDRESS/LENGTH, as endpoints store theirs; text without a length is returned unchanged. */
export function addressOf(text: string): string {
  const slash = text.indexOf('/');
  return slash < 0 ? text : text.slice(0, slash);
}

/** The length of ADDRESS/LENGTH in bits; without one, that of the whole address. */
export function lengthOf(text: string): number {
  const slash = text.indexOf('/');
  const family: Family = text.includes(':') ? 6 : 4;
  return slash < 0 ? IP_BITS[family] : Number(text.slice(slash + 1));
}
