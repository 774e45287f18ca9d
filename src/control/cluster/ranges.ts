/** Blocks of addresses that this node alone gives away: what it can attach while etcd is away. */
import { formatIp } from '../../model/address/ip.js';
import {
  addressOf,
  contains,
  formatPrefix,
  type Prefix,
  parsePrefix,
} from '../../model/address/prefix.js';
import type { State } from '../../model/state/state.js';
import type { Etcd } from '../../store/etcd/client.js';
import { blockOf, holdRange, listRanges, reserveRange } from '../../store/etcd/records/ranges.js';
import { addressOfKey } from '../../store/etcd/records/schema.js';
import type { Membership } from '../../store/membership.js';
import { usedNetworks } from './settle.js';

/** Bits that a subnet leaves to its hosts at the least where blocks are reserved: 256 addresses, or 65,536. */
const ROOM = { 4: 8, 6: 16 } as const;
const BITS = { 4: 32, 6: 128 } as const;

/**
 * Reserve a block on each network that this node has endpoints on and that is large enough, and see that etcd
 * still has those that were reserved.
 * @returns all blocks that this node has, by network
 * @throws DpctlError CLUSTER_..., exit 5
 */
export async function keepRanges(
  etcd: Etcd,
  { name, ranges = {} }: Membership,
  state: State,
): Promise<NonNullable<Membership['ranges']>> {
  const kept: Record<string, string[]> = {};
  const used = new Set(usedNetworks(state));
  for (const network of state.networks) {
    if (!used.has(network.name)) continue;
    const blocks: string[] = [];
    for (const text of [network.subnet4, network.subnet6]) {
      const subnet = text === undefined ? undefined : parsePrefix(text);
      if (subnet === undefined) continue;
      const { family } = subnet;
      const room = BITS[family] - subnet.length;
      if (room < ROOM[family]) continue;
      const had = (ranges[network.name] ?? [])
        .map((each) => parsePrefix(each))
        .find((each) => each.family === family);
      const holds = had !== undefined && (await holdRange(etcd, name, network.name, had));
      const block = holds ? had : await reserveRange(etcd, name, network.name, family);
      if (block !== undefined) blocks.push(formatPrefix(block));
    }
    if (blocks.length > 0) kept[network.name] = blocks;
  }
  return kept;
}

/** Addresses of all blocks of a network, this node's too: they are for when etcd is away. */
export async function reservedAddresses(etcd: Etcd, network: string): Promise<string[]> {
  return [...(await listRanges(etcd, network)).keys()].flatMap((key) =>
    addressesIn(blockOf(addressOfKey(key))),
  );
}

function addressesIn({ family, value, length }: Prefix): string[] {
  const count = 2 ** (BITS[family] - length);
  return Array.from({ length: count }, (_, index) =>
    formatIp({ family, value: value + BigInt(index) }),
  );
}

/** Whether each of the addresses that are set is in one of the blocks. */
export function isReserved(
  blocks: readonly string[] = [],
  addresses: readonly (string | undefined)[],
): boolean {
  const prefixes = blocks.map((each) => parsePrefix(each));
  return addresses
    .filter((each) => each !== undefined)
    .every((each) => {
      const address = addressOf(each);
      const host = parsePrefix(`${address}/${address.includes(':') ? 128 : 32}`);
      return prefixes.some((block) => block.family === host.family && contains(block, host));
    });
}
