/** Addresses as the tables hold them. */
import ipaddr from 'ipaddr.js';

/** An address's 16 bytes, IPv4 as ::ffff:a.b.c.d. */
export function ip16(text: string): Uint8Array {
  const address = ipaddr.parse(text);
  const mapped = address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address;
  return Uint8Array.from(mapped.toByteArray());
}

/** An IPv4 address as a number. */
export function ip4Number(text: string): number {
  return Buffer.from(ipaddr.IPv4.parse(text).toByteArray()).readUInt32BE();
}

/** A MAC address's six bytes. */
export function macBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}
