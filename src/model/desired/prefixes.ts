/** Entries of an endpoint's further source prefixes. Pure. */
import { ipToBytes16 } from '../address/ip.js';
import { contains, parsePrefix } from '../address/prefix.js';
import type { Endpoint } from '../state/state.js';
import { type RawEntry, tableEntry } from './table-entry.js';

/** The table stores IPv4 in ::ffff:0:0/96, so 96 bits precede the address's own. */
const MAPPED = { family: 6, value: 0xffff_0000_0000n } as const;
const MAPPED_BITS = 96;
/** Bits of the endpoint's number, which precedes the address. */
const ENDPOINT_BITS = 32;

/**
 * The table entries of an endpoint. An IPv6 prefix must not match IPv4, even if it covers the range in which
 * the table stores IPv4: a longer entry that matches no endpoint then blocks that range.
 */
export function prefixEntries({ id, allowPrefixes }: Endpoint): RawEntry[] {
  const entry = (bits: number, address: string, endpoint: number): RawEntry =>
    tableEntry(
      'prefix',
      { prefixlen: ENDPOINT_BITS + bits, endpoint: id, ip: ipToBytes16(address) },
      { endpoint },
    );
  const entries = allowPrefixes.map((prefix) => {
    const [address = '', length = '0'] = prefix.split('/');
    return entry(Number(length) + (address.includes(':') ? 0 : MAPPED_BITS), address, id);
  });
  const isOpen = allowPrefixes.some((prefix) => contains(parsePrefix(prefix), MAPPED));
  if (isOpen && !allowPrefixes.includes('0.0.0.0/0'))
    entries.push(entry(MAPPED_BITS, '0.0.0.0', 0));
  return entries;
}
