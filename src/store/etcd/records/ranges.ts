/**
 * Range records. A range is a block of addresses of a network from which only one node allocates. While the
 * store is unreachable, that node can still allocate from it without conflicts, and writes the records later.
 */
import { randomUUID } from 'node:crypto';
import { DpctlError } from '../../../../loader/errors.js';
import { type Family, IP_BITS, type Ip, parseIp } from '../../../model/address/ip.js';
import {
  addressOf,
  contains,
  hostRange,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixOf,
} from '../../../model/address/prefix.js';
import type { Etcd } from '../client.js';
import { commit } from './claim.js';
import { type NetworkEntry, readNetwork } from './networks.js';
import { busy } from './nodes.js';
import {
  addressesOf,
  addressOfKey,
  decode,
  encode,
  KEYS,
  type NetworkRecord,
  PREFIXES,
  rangesOf,
  SCHEMAS,
} from './schema.js';

/** Number of host bits of a block, which has 16 addresses. */
const BLOCK_BITS = 4;
/** Maximum number of attempts to reserve a block while other nodes reserve some. */
const ATTEMPTS = 50;

/** The block of an address. Blocks are aligned, so each address is in exactly one. */
export function blockOf(ip: Ip): Prefix {
  return prefixOf(ip, IP_BITS[ip.family] - BLOCK_BITS);
}

/** The subnet of a network for one address family. */
export function subnetOf(network: NetworkRecord, family: Family): Prefix | undefined {
  const text = family === 4 ? network.subnet4 : network.subnet6;
  return text === undefined ? undefined : parsePrefix(text);
}

/**
 * Usable host addresses of a block, or of the whole subnet, in ascending order. The address of the gateway is
 * excluded.
 */
export function* hostsOf(network: NetworkRecord, family: Family, block?: Prefix): Generator<Ip> {
  const subnet = subnetOf(network, family);
  if (subnet === undefined) return;
  const { first, last } = hostRange(subnet);
  const size = 1n << BigInt(BLOCK_BITS);
  const from = block === undefined || block.value < first ? first : block.value;
  const end = block === undefined || block.value + size > last ? last + 1n : block.value + size;
  const gateway = family === 4 ? network.gateway?.ip4 : network.gateway?.ip6;
  const reserved = gateway === undefined ? undefined : parseAddress(addressOf(gateway)).ip.value;
  for (let value = from; value < end; value++) {
    if (value !== reserved) yield { family, value };
  }
}

/** @throws DpctlError ADDRESS_OUTSIDE_SUBNET, exit 1, if it is not a usable host address of the network */
export function checkHost(network: NetworkRecord, address: string): void {
  const ip = parseIp(address);
  // A network without a subnet allows any address.
  if (subnetOf(network, ip.family) === undefined) return;
  // It is enough to search the block of the address.
  for (const each of hostsOf(network, ip.family, blockOf(ip))) if (each.value === ip.value) return;
  const subnet = ip.family === 4 ? network.subnet4 : network.subnet6;
  throw new DpctlError(
    'ADDRESS_OUTSIDE_SUBNET',
    `${address} is not a host address in network ${network.name} (${subnet ?? 'no such subnet'})`,
    { exitCode: 1, hint: 'leave it out to get a free one', details: { address, subnet } },
  );
}

/** Owners of the ranges of a network, by key of the range. @throws DpctlError CLUSTER_..., exit 5 */
export async function listRanges(
  etcd: Etcd,
  network: string,
): Promise<ReadonlyMap<string, string>> {
  const { entries } = await etcd.list(rangesOf(network));
  return new Map(entries.map((entry) => [entry.key, decode(SCHEMAS.holder, entry).node]));
}

/**
 * Reserve a further block for a node. No address of the block may be in use.
 * @returns undefined if no block is free, or the network has no subnet of the family
 * @throws DpctlError NETWORK_NOT_FOUND, exit 3; CLUSTER_..., exit 5
 */
export async function reserveRange(
  etcd: Etcd,
  node: string,
  network: string,
  family: Family,
): Promise<Prefix | undefined> {
  const value = encode({ node, call: randomUUID() });
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const known = await readNetwork(etcd, network);
    const taken = new Set((await listRanges(etcd, network)).keys());
    for (const { key } of (await etcd.list(addressesOf(network))).entries) {
      taken.add(KEYS.range(network, blockOf(addressOfKey(key))));
    }
    const block = firstFree(known, family, (each) => taken.has(KEYS.range(network, each)));
    if (block === undefined) return undefined;
    const key = KEYS.range(network, block);
    const { done } = await commit(etcd, {
      seen: [
        { key: KEYS.network(network), revision: known.revision },
        { key, revision: 0 },
      ],
      present: [KEYS.node(node)],
      empty: [{ from: addressKey(network, block, 0n), end: addressKey(network, block, 16n) }],
      put: [{ key, value }],
    });
    if (done) return block;
  }
  throw busy(`reserve a range of network ${network}`);
}

/**
 * Release a block. Endpoints keep their addresses in it.
 * @returns whether the node had reserved it
 * @throws DpctlError CLUSTER_..., exit 5
 */
export async function releaseRange(
  etcd: Etcd,
  node: string,
  network: string,
  block: Prefix,
): Promise<boolean> {
  const key = KEYS.range(network, block);
  const { entry } = await etcd.get(key);
  if (entry === undefined || decode(SCHEMAS.holder, entry).node !== node) return false;
  return (await commit(etcd, { seen: [entry], remove: [key] })).done;
}

/**
 * Reserve a given block, unless another node has reserved it or has addresses in it.
 * @returns whether the node has it now
 * @throws DpctlError CLUSTER_..., exit 5
 */
export async function holdRange(
  etcd: Etcd,
  node: string,
  network: string,
  block: Prefix,
): Promise<boolean> {
  const key = KEYS.range(network, block);
  const { entry } = await etcd.get(key);
  if (entry !== undefined) return decode(SCHEMAS.holder, entry).node === node;
  for (const each of (await etcd.list(addressesOf(network))).entries) {
    const isOther = decode(SCHEMAS.holder, each).node !== node;
    if (isOther && KEYS.range(network, blockOf(addressOfKey(each.key))) === key) return false;
  }
  const value = encode({ node });
  return (await commit(etcd, { seen: [{ key, revision: 0 }], put: [{ key, value }] })).done;
}

/** Release all blocks of a node. @throws DpctlError CLUSTER_..., exit 5 */
export async function releaseRanges(etcd: Etcd, node: string): Promise<void> {
  for (const entry of (await etcd.list(PREFIXES.ranges)).entries) {
    if (decode(SCHEMAS.holder, entry).node !== node) continue;
    await commit(etcd, { seen: [entry], remove: [entry.key] });
  }
}

function firstFree(
  { network }: NetworkEntry,
  family: Family,
  isTaken: (block: Prefix) => boolean,
): Prefix | undefined {
  const subnet = subnetOf(network, family);
  if (subnet === undefined) return undefined;
  const size = 1n << BigInt(BLOCK_BITS);
  const start = blockOf(subnet);
  for (
    let value = start.value;
    contains(subnet, { family, value }) || value === start.value;
    value += size
  ) {
    const block = { ...start, value };
    if (!isTaken(block) && !hostsOf(network, family, block).next().done) return block;
  }
  return undefined;
}

function addressKey(network: string, { family, value }: Ip, offset: bigint): string {
  const prefix = addressesOf(network);
  const digits = (value + offset).toString(16).padStart(IP_BITS[family] / 4, '0');
  return `${prefix}${family}-${digits}`;
}
