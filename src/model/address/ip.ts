/**
 * IPv4 and IPv6 addresses: text, numbers and bytes. Canonical text is dotted for IPv4 and
 * RFC 5952 for IPv6. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is not taken as text: the
 * contract writes IPv4 that way in its 16-byte keys, so it would be the IPv4 address.
 *
 * ipaddr.js is not used: it reads 1.2.3 as 1.2.0.3, 010.0.0.1 as 8.0.0.1 and ::1.2.3.4 as
 * ::ffff:102:304, and a node cannot afford to guess which address a person meant.
 */
import { DpctlError } from '../../../loader/errors.js';

export type Family = 4 | 6;

/** An address as a number, most significant byte first. */
export interface Ip {
  readonly family: Family;
  readonly value: bigint;
}

/** Bits of an address of each family. */
export const IP_BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IP4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const MAPPED_HIGH = 0xffffn;
const LOW64 = 0xffffffffffffffffn;

/** Guess the family of an address or prefix from its text, which need not be valid. */
export function familyOf(text: string): Family {
  return text.includes(':') ? 6 : 4;
}

/**
 * Parse an address written by a user.
 * @param text IPv4 in four decimal parts without leading zeros (RFC 6943, 3.1.1), or IPv6 (RFC 4291, 2.2)
 *   without a zone
 * @throws DpctlError ADDRESS_INVALID, exit 1
 */
export function parseIp(text: string): Ip {
  if (familyOf(text) === 4) return { family: 4, value: BigInt(ip4ToNumber(text)) };
  const value = parseIp6(text);
  if (value === undefined) throw addressError(text, 'is not an IPv6 address');
  if (value >> 32n === MAPPED_HIGH) {
    const ip4 = numberToIp4(Number(value & 0xffffffffn));
    throw addressError(text, 'is IPv4 written as IPv6', `write ${ip4}`);
  }
  return { family: 6, value };
}

/** An address in canonical text. */
export function formatIp(ip: Ip): string {
  if (ip.family === 4) return numberToIp4(Number(ip.value));
  const view = new DataView(ipToBytes(ip).buffer);
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(view.getUint16(i));
  return formatGroups(groups);
}

/** The 4 or 16 bytes of an address, in network order. */
export function ipToBytes({ family, value }: Ip): Uint8Array {
  const all = new Uint8Array(16);
  const view = new DataView(all.buffer);
  view.setBigUint64(0, value >> 64n);
  view.setBigUint64(8, value & LOW64);
  return family === 4 ? all.slice(12) : all;
}

/** The canonical text of 4 or 16 bytes; unlike {@link bytes16ToIp}, ::ffff:a.b.c.d stays IPv6. */
export function bytesToIp(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return formatIp({ family: bytes.length === 4 ? 4 : 6, value });
}

/** An address in canonical text. @throws DpctlError ADDRESS_INVALID, exit 1 */
export function canonicalIp(text: string): string {
  return formatIp(parseIp(text));
}

/** IPv4 as a number of 32 bits. @throws DpctlError ADDRESS_INVALID, exit 1 */
export function ip4ToNumber(text: string): number {
  if (!IP4.test(text)) throw addressError(text, 'is not an IP address');
  let number = 0;
  for (const part of text.split('.')) number = number * 256 + Number(part);
  return number;
}

/** Dotted text of a number of 32 bits. */
export function numberToIp4(n: number): string {
  return `${(n >>> 24) & 255}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

/**
 * 16 bytes as in the contract's keys: network byte order, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
 * @param out buffer to write at `offset` and return; a new one by default
 * @throws DpctlError ADDRESS_INVALID, exit 1
 */
export function ipToBytes16(text: string, out = new Uint8Array(16), offset = 0): Uint8Array {
  const ip = parseIp(text);
  const value = ip.family === 4 ? (MAPPED_HIGH << 32n) | ip.value : ip.value;
  const view = new DataView(out.buffer, out.byteOffset + offset, 16);
  view.setBigUint64(0, value >> 64n);
  view.setBigUint64(8, value & LOW64);
  return out;
}

/** The canonical text of the 16 bytes at an offset; IPv4 if they are ::ffff:a.b.c.d. */
export function bytes16ToIp(bytes: Uint8Array, offset = 0): string {
  const groups: number[] = [];
  for (let i = offset; i < offset + 16; i += 2) {
    groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  }
  const mapped = groups[5] === 0xffff && groups.every((group, i) => i >= 5 || group === 0);
  if (!mapped) return formatGroups(groups);
  return numberToIp4((groups[6] ?? 0) * 65536 + (groups[7] ?? 0));
}

function parseIp6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = readGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? readGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // RFC 4291, 2.2: "::" stands for one or more groups.
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const group of head) value = (value << 16n) | BigInt(group);
  value <<= BigInt(16 * missing);
  for (const group of tail) value = (value << 16n) | BigInt(group);
  return value;
}

/** The groups of one half; only the last half may end in dotted IPv4. */
function readGroups(half: string, last: boolean): number[] | undefined {
  if (half === '') return [];
  const groups: number[] = [];
  const parts = half.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else if (last && i === parts.length - 1 && IP4.test(part)) {
      const number = ip4ToNumber(part);
      groups.push(Math.floor(number / 65536), number % 65536);
    } else return undefined;
  }
  return groups;
}

/** RFC 5952, section 4: lower-case, no leading zeros, the first longest run of zeros as "::". */
function formatGroups(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  let run = 0;
  for (let i = 0; i < 8; i++) {
    run = groups[i] === 0 ? run + 1 : 0;
    if (run > length) {
      length = run;
      start = i + 1 - run;
    }
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === start) {
      text += '::';
      i += length - 1;
    } else {
      if (i > 0 && i !== start + length) text += ':';
      text += (groups[i] ?? 0).toString(16);
    }
  }
  return text;
}

function addressError(text: string, why: string, hint?: string): DpctlError {
  return new DpctlError('ADDRESS_INVALID', `${JSON.stringify(text)} ${why}`, {
    exitCode: 1,
    hint: hint ?? 'write an address such as 10.201.0.5 or fd00:c9::5',
    details: { address: text },
  });
}
