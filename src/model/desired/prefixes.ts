/** Entries of prefixes: an endpoint's further sources, and what nodes own of a network. Pure. */
import { ipToBytes16 } from '../address/ip.js';
import { contains, parsePrefix } from '../address/prefix.js';
import type { Endpoint, Network, State } from '../state/state.js';
import { type RawEntry, tableEntry } from './table-entry.js';

/** The table stores IPv4 in ::ffff:0:0/96, so 96 bits precede the address's own. */
const MAPPED = { family: 6, value: 0xffff_0000_0000n } as const;
const MAPPED_BITS = 96;
/** Bits of the endpoint's number or the VNI, which precedes the address. */
const OWNER_BITS = 32;

/**
 * The table entries of an endpoint. An IPv6 prefix must not match IPv4, even if it covers the range in which
 * the table stores IPv4: a longer entry that matches no endpoint then blocks that range.
 */
export function prefixEntries({ id, allowPrefixes }: Endpoint): RawEntry[] {
  const entry = (bits: number, address: string, endpoint: number): RawEntry =>
    tableEntry(
      'prefix',
      { prefixlen: OWNER_BITS + bits, endpoint: id, ip: ipToBytes16(address) },
      { endpoint },
    );
  const entries = allowPrefixes.map((prefix) => {
    const { bits, address } = partsOf(prefix);
    return entry(bits, address, id);
  });
  const isOpen = allowPrefixes.some((prefix) => contains(parsePrefix(prefix), MAPPED));
  if (isOpen && !allowPrefixes.includes('0.0.0.0/0'))
    entries.push(entry(MAPPED_BITS, '0.0.0.0', 0));
  return entries;
}

/** Bits of a prefix in the table's form, and its address. */
function partsOf(prefix: string): { bits: number; address: string } {
  const [address = '', length = '0'] = prefix.split('/');
  return { bits: Number(length) + (address.includes(':') ? 0 : MAPPED_BITS), address };
}

/** The entry of a prefix that a node owns. @param node its number; 0: this one */
export function nodePrefixEntry({ vni }: Network, prefix: string, node: number): RawEntry {
  const { bits, address } = partsOf(prefix);
  const key = { prefixlen: OWNER_BITS + bits, vni, ip: ipToBytes16(address) };
  return tableEntry('nodeprefix', key, { node });
}

/** The entries of the prefixes of a network that this node owns. */
export function ownPrefixEntries(network: Network): RawEntry[] {
  return [network.own4, network.own6].flatMap((prefix) =>
    prefix === undefined ? [] : [nodePrefixEntry(network, prefix, 0)],
  );
}

/** Whether nodes own prefixes of a network: the datapath looks for them only then. */
export function hasPrefixes({ nodes }: Pick<State, 'nodes'>, network: Network): boolean {
  return (
    network.own4 !== undefined ||
    network.own6 !== undefined ||
    nodes.some(({ prefixes }) => prefixes?.some((each) => each.network === network.name))
  );
}
