/** Endpoints of the cluster. Their addresses and MACs are claimed with them: no two endpoints of a network share one. */
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

/** An endpoint as a node asks for it. */
export type EndpointWish = Omit<ClusterEndpoint, 'mac'> & Partial<Pick<ClusterEndpoint, 'mac'>>;

/** Times that a free address is looked for. */
const ATTEMPTS = 100;

/**
 * Claim an endpoint with the addresses that it names, all or nothing. One that the node has claimed just so
 * is no error.
 * @throws DpctlError ADDRESS_IN_USE, ADDRESS_OUTSIDE_SUBNET, MAC_IN_USE, ENDPOINT_IN_USE, exit 1; NODE_NOT_FOUND (it has not joined) or
 *   NETWORK_NOT_FOUND, exit 3; CLUSTER_..., exit 5: nobody knows then whether it was claimed
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
 * Claim an endpoint with an address of each family that the network has a subnet of: the first free one of the
 * node's ranges, else of what no node has reserved.
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
    // Those who look at the same time would all find the same one.
    const skip = attempt === 1 ? 0 : Math.floor(Math.random() * 2 ** Math.min(attempt, 6));
    const ip4 = freeAddress(network, 4, { node, taken, ranges, skip });
    const ip6 = freeAddress(network, 6, { node, taken, ranges, skip });
    const chosen = { ...(ip4 !== undefined && { ip4 }), ...(ip6 !== undefined && { ip6 }) };
    try {
      return await claimEndpoint(etcd, node, { ...wish, ...chosen });
    } catch (error) {
      const isRace = error instanceof DpctlError && error.code === 'ADDRESS_IN_USE';
      // Of the MAC, too, where it is made from the address.
      const isMade =
        error instanceof DpctlError && error.code === 'MAC_IN_USE' && wish.mac === undefined;
      if (!isRace && !isMade) throw error;
    }
  }
  throw busy(`find an address in network ${wish.network}`);
}

/** What is known of who has which address of a network: keys of addresses, nodes by keys of ranges. */
interface Taken {
  readonly node: string;
  readonly taken: ReadonlySet<string>;
  readonly ranges: ReadonlyMap<string, string>;
  /** Free ones that are passed over, where there are more. */
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
 * Give an endpoint back, with its addresses and its MAC. Only those of the node itself can be.
 * @returns whether it was there
 * @throws DpctlError CLUSTER_..., exit 5
 */
export async function releaseEndpoint(etcd: Etcd, node: string, id: number): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { entry } = await etcd.get(KEYS.endpoint(node, id));
    if (entry === undefined) return false;
    const { network, mac, ip4, ip6 } = decode(SCHEMAS.endpoint, entry);
    const addresses = [ip4, ip6].filter((each) => each !== undefined);
    // They came with this record, and go with it alone.
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

/** Endpoints of a node, as the store has them: what it has too many after a lost answer is released. */
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
