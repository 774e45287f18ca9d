/** MAC addresses: text to bytes and back. Canonical text is lower-case with colons. */
import { DpctlError } from '../../../loader/errors.js';

/** Bytes of a MAC address. */
export const MAC_LENGTH = 6;

const COLONS = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}$/i;
const DASHES = /^[0-9a-f]{1,2}(?:-[0-9a-f]{1,2}){5}$/i;

/** Two hex digits for each byte value: a dump of a million entries formats six million bytes. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, '0'),
);

/**
 * Parse a MAC address written by a user into canonical form.
 * @param text six bytes in hex with colons or dashes, of either case
 * @throws DpctlError MAC_INVALID, MAC_MULTICAST or MAC_ZERO, exit 1: a station has a unicast address that is
 *   not zero (IEEE 802, 8.2.2)
 */
export function parseMac(text: string): string {
  const mac = canonicalMac(text);
  if (mac === '00:00:00:00:00:00') {
    throw macError('MAC_ZERO', text, "is not a station's address: all bytes are zero");
  }
  if (isMulticastMac(mac)) {
    const unicast = `${HEX[(byteAt(mac, 0) & 0xfe) | 2]}${mac.slice(2)}`;
    throw new DpctlError(
      'MAC_MULTICAST',
      `MAC ${text} is a group address: the lowest bit of its first byte is set`,
      { exitCode: 1, hint: `use a unicast address, such as ${unicast}`, details: { mac } },
    );
  }
  return mac;
}

/**
 * Any MAC address in canonical form, groups and zero included.
 * @throws DpctlError MAC_INVALID, exit 1
 */
export function canonicalMac(text: string): string {
  const parts = COLONS.test(text) ? text.split(':') : DASHES.test(text) ? text.split('-') : [];
  if (parts.length !== MAC_LENGTH) {
    throw macError('MAC_INVALID', text, 'is not six bytes in hex');
  }
  return parts.map((part) => part.toLowerCase().padStart(2, '0')).join(':');
}

/** Whether a canonical MAC is a group address, broadcast included. */
function isMulticastMac(mac: string): boolean {
  return (byteAt(mac, 0) & 1) === 1;
}

/**
 * The six bytes of a canonical MAC, as on the wire.
 * @param out buffer to write at `offset` and return; a new one by default
 */
export function macToBytes(mac: string, out = new Uint8Array(MAC_LENGTH), offset = 0): Uint8Array {
  for (let i = 0; i < MAC_LENGTH; i++) out[offset + i] = byteAt(mac, i);
  return out;
}

/** The canonical text of the six bytes at an offset. */
export function bytesToMac(bytes: Uint8Array, offset = 0): string {
  const byte = (i: number): string => HEX[bytes[offset + i] ?? 0] as string;
  return `${byte(0)}:${byte(1)}:${byte(2)}:${byte(3)}:${byte(4)}:${byte(5)}`;
}

function byteAt(mac: string, index: number): number {
  const byte = Number.parseInt(mac.slice(index * 3, index * 3 + 2), 16);
  if (Number.isNaN(byte)) throw macError('MAC_INVALID', mac, 'is not in canonical form');
  return byte;
}

function macError(code: string, text: string, why: string): DpctlError {
  return new DpctlError(code, `MAC ${JSON.stringify(text)} ${why}`, {
    exitCode: 1,
    hint: 'write it as 0a:58:0a:c9:00:02',
    details: { mac: text },
  });
}
