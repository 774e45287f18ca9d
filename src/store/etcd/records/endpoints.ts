/** Endpoint records. The same transaction claims addresses and MAC, so they are unique in a network. */
import { DpctlError } from '../../../../loader/errors.js';
import { type Family, formatIp, type Ip, parseIp } from '../../../model/address/ip.js';
import { addressOf } from '../../../model/address/prefix.js';
import { generateMac } from '../../../model/network/ipam.js';
import type { ClusterEndpoint } from '../../../model/state/cluster.js';
import type { Entry, Etcd } from '../client.js';
import { commit } from './claim.js';
import { readNetwork } from './networks.js';
import { busy } from './nodes.js';
import { blockOf, checkHost, hostsOf, listRanges, subnetOf } from './ranges.js';
import {
  addressesOf,
  addressOfKey,
  decode,
  type EndpointRecord,
  encode,
  endpointsOf,
  KEYS,
  type NetworkRecord,
  SCHEMAS,
} from './schema.js';

/** An endpoint to claim. Without a MAC, one is derived. */
export type EndpointWish = Omit<ClusterEndpoint, 'mac'> & Partial<Pick<ClusterEndpoint, 'mac'>>;

/** Maximum number of attempts to find a free address while other nodes claim some. */
const ATTEMPTS = 100;

/**
 * Claim an endpoint and its addresses atomically. Not an error if the node has already claimed the same
 * endpoint.
 * @throws DpctlError ADDRESS_IN_USE, ADDRESS_OUTSIDE_SUBNET, MAC_IN_USE, ENDPOINT_IN_USE, exit 1;
 *   NODE_NOT_FOUND (it has not joined) or NETWORK_NOT_FOUND, exit 3; CLUSTER_..., exit 5: then it is unknown
 *   whether the endpoint was claimed
 */
export async function claimEndpoint(
  etcd: Etcd,
  node: string,
  wish: EndpointWish,
): Promise<EndpointRecord> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { network, revision } = await readNetwork(etcd, wish.network);
    const addresses = [wish.ip4, wish.ip6].filter((each) => each !== undefined).map(addressOf);
    for (const each of addresses) checkHost(network, each);
    const seed = `${node}/${wish.id}`;
    const mac = wish.mac ?? generateMac({ ip4: wish.ip4, seed }, new Set());
    const holder = encode({ node, endpoint: wish.id });
    const claims = [
      ...addresses.map((each) => KEYS.address(network.name, each)),
      KEYS.mac(network.name, mac),
    ];
    const key = KEYS.endpoint(node, wish.id);
    const ranges = addresses.map((each) => KEYS.range(network.name, blockOf(parseIp(each))));
    const blocks: { readonly key: string; readonly revision: number }[] = [];
    for (const each of new Set(ranges)) {
      const { entry } = await etcd.get(each);
      if (entry !== undefined && decode(SCHEMAS.holder, entry).node !== node) {
        throw inUse('ADDRESS_IN_USE', addresses.join(' or '), entry, 'in the range');
      }
      blocks.push({ key: each, revision: entry?.revision ?? 0 });
    }
    const record = { ...wish, node, mac };
    const value = encode(record);
    const { done, found } = await commit(etcd, {
      seen: [
        { key: KEYS.network(network.name), revision },
        ...[key, ...claims].map((each) => ({ key: each, revision: 0 })),
        ...blocks,
      ],
      present: [KEYS.node(node)],
      put: [{ key, value }, ...claims.map((each) => ({ key: each, value: holder }))],
    });
    if (done) return decode(SCHEMAS.endpoint, { key, value });
    if (!found.has(KEYS.node(node))) throw notJoined(node);
    if (found.has(key))
      throw inUse('ENDPOINT_IN_USE', `number ${wish.id} of ${node}`, found.get(key));
    claims.forEach((each, index) => {
      const code = index < addresses.length ? 'ADDRESS_IN_USE' : 'MAC_IN_USE';
      if (found.has(each)) throw inUse(code, addresses[index] ?? mac, found.get(each));
    });
  }
  throw busy(`claim endpoint ${wish.id}`);
}

/**
 * Claim an endpoint with a free address of each family that the network has a subnet for: the first free one
 * in the ranges of the node, or else in blocks that no node has reserved.
 * @throws DpctlError SUBNET_FULL, exit 1; otherwise as {@link claimEndpoint}
 */
export async function claimFreeEndpoint(
  etcd: Etcd,
  node: string,
  wish: Omit<EndpointWish, 'ip4' | 'ip6'>,
): Promise<EndpointRecord> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { network } = await readNetwork(etcd, wish.network);
    const taken = new Set(
      (await etcd.list(addressesOf(network.name))).entries.map(({ key }) => key),
    );
    const ranges = await listRanges(etcd, network.name);
    // Skip a random number of addresses: concurrent callers would all choose the same one.
    const skip = attempt === 1 ? 0 : Math.floor(Math.random() * 2 ** Math.min(attempt, 6));
    const ip4 = freeAddress(network, 4, { node, taken, ranges, skip });
    const ip6 = freeAddress(network, 6, { node, taken, ranges, skip });
    const chosen = { ...(ip4 !== undefined && { ip4 }), ...(ip6 !== undefined && { ip6 }) };
    try {
      return await claimEndpoint(etcd, node, { ...wish, ...chosen });
    } catch (error) {
      const isRace = error instanceof DpctlError && error.code === 'ADDRESS_IN_USE';
      // A MAC derived from the address can be taken as well.
      const isMade =
        error instanceof DpctlError && error.code === 'MAC_IN_USE' && wish.mac === undefined;
      if (!isRace && !isMade) throw error;
    }
  }
  throw busy(`find an address in network ${wish.network}`);
}

/** Addresses in use in a network: keys of claimed addresses, and owners of ranges by key. */
interface Taken {
  readonly node: string;
  readonly taken: ReadonlySet<string>;
  readonly ranges: ReadonlyMap<string, string>;
  /** Number of free addresses to skip, if there are more. */
  readonly skip: number;
}

function freeAddress(network: NetworkRecord, family: Family, known: Taken): string | undefined {
  const subnet = subnetOf(network, family);
  if (subnet === undefined) return undefined;
  const free = first(network, family, known);
  if (free !== undefined) return `${formatIp(free)}/${subnet.length}`;
  const text = `${formatIp(subnet)}/${subnet.length}`;
  throw new DpctlError('SUBNET_FULL', `no address is free in ${text}`, {
    exitCode: 1,
    hint: 'detach an endpoint that is not needed, or use a network with a larger subnet',
    details: { subnet: text, network: network.name },
  });
}

function first(network: NetworkRecord, family: Family, known: Taken): Ip | undefined {
  const { node, taken, ranges, skip } = known;
  const isFree = (ip: Ip): boolean => !taken.has(KEYS.address(network.name, formatIp(ip)));
  for (const [key, owner] of ranges) {
    const block = blockOf(addressOfKey(key));
    if (owner !== node || block.family !== family) continue;
    for (const ip of hostsOf(network, family, block)) if (isFree(ip)) return ip;
  }
  let last: Ip | undefined;
  let left = skip;
  for (const ip of hostsOf(network, family)) {
    if (ranges.has(KEYS.range(network.name, blockOf(ip))) || !isFree(ip)) continue;
    last = ip;
    if (left-- <= 0) break;
  }
  return last;
}

/**
 * Delete an endpoint of a node, with its addresses and its MAC.
 * @returns whether it existed
 * @throws DpctlError CLUSTER_..., exit 5
 */
export async function releaseEndpoint(etcd: Etcd, node: string, id: number): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { entry } = await etcd.get(KEYS.endpoint(node, id));
    if (entry === undefined) return false;
    const { network, mac, ip4, ip6 } = decode(SCHEMAS.endpoint, entry);
    const addresses = [ip4, ip6].filter((each) => each !== undefined);
    // Addresses and MAC belong to this record: while it is unchanged, they are.
    const { done } = await commit(etcd, {
      seen: [entry],
      remove: [
        entry.key,
        ...addresses.map((each) => KEYS.address(network, each)),
        KEYS.mac(network, mac),
      ],
    });
    if (done) return true;
  }
  throw busy(`release endpoint ${id} of ${node}`);
}

/** Endpoints of a node in the store. May include claims with a lost answer, which the caller must release. */
export async function listEndpoints(etcd: Etcd, node: string): Promise<EndpointRecord[]> {
  const { entries } = await etcd.list(endpointsOf(node));
  return entries.map((entry) => decode(SCHEMAS.endpoint, entry));
}

function inUse(
  code: string,
  what: string,
  entry: Entry | undefined,
  how = 'an endpoint',
): DpctlError {
  const node = entry === undefined ? undefined : decode(SCHEMAS.holder, entry).node;
  return new DpctlError(code, `${what} is taken: ${how} of node ${node}`, {
    exitCode: 1,
    hint: 'leave it out to get a free one',
    details: { what, node },
  });
}

function notJoined(node: string): DpctlError {
  return new DpctlError('NODE_NOT_FOUND', `node ${node} has not joined the cluster`, {
    exitCode: 3,
    hint: 'register it first',
    details: { node },
  });
}
