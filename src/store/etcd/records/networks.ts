/** Network records. A network has the same name, VNI and subnets on all nodes. */
import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../../loader/errors.js';
import { lowestFree } from '../../../model/network/ipam.js';
import type { ClusterNetwork } from '../../../model/state/cluster.js';
import { VNI_MAX } from '../../../model/state/names.js';
import type { Etcd } from '../client.js';
import { commit } from './claim.js';
import { busy } from './nodes.js';
import {
  addressesOf,
  decode,
  encode,
  KEYS,
  macsOf,
  type NetworkRecord,
  PREFIXES,
  rangesOf,
  SCHEMAS,
} from './schema.js';

/** A network to claim. Without a VNI, it gets the lowest free one. */
export type NetworkWish = Omit<ClusterNetwork, 'vni'> & Partial<Pick<ClusterNetwork, 'vni'>>;

/** A network and its mod_revision. */
export interface NetworkEntry {
  readonly network: NetworkRecord;
  readonly revision: number;
}

/** Maximum number of attempts to find a free VNI while other nodes claim some. */
const ATTEMPTS = 50;

/** @throws DpctlError NETWORK_NOT_FOUND, exit 3; CLUSTER_..., exit 5 */
export async function readNetwork(etcd: Etcd, name: string): Promise<NetworkEntry> {
  const { entry } = await etcd.get(KEYS.network(name));
  if (entry !== undefined) {
    return { network: decode(SCHEMAS.network, entry), revision: entry.revision };
  }
  throw new DpctlError('NETWORK_NOT_FOUND', `the cluster has no network ${name}`, {
    exitCode: 3,
    hint: 'check the name',
    details: { network: name },
  });
}

/**
 * Create a network of the cluster. Not an error if the same network exists.
 * @throws DpctlError NETWORK_MISMATCH (it exists and differs) or VNI_IN_USE, exit 1; CLUSTER_..., exit 5
 */
export async function claimNetwork(etcd: Etcd, wish: NetworkWish): Promise<ClusterNetwork> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const there = (await etcd.get(KEYS.network(wish.name))).entry;
    if (there !== undefined) return same(wish, decode(SCHEMAS.network, there));
    const vni = wish.vni ?? (await freeVni(etcd));
    const network: ClusterNetwork = { ...wish, vni };
    const { done, found } = await commit(etcd, {
      seen: [
        { key: KEYS.network(wish.name), revision: 0 },
        { key: KEYS.vni(vni), revision: 0 },
      ],
      put: [
        { key: KEYS.network(wish.name), value: encode(network) },
        { key: KEYS.vni(vni), value: encode({ network: wish.name }) },
      ],
    });
    if (done) return network;
    const holder = found.get(KEYS.vni(vni));
    if (wish.vni !== undefined && holder !== undefined && !found.has(KEYS.network(wish.name))) {
      throw vniTaken(vni, holder.value);
    }
  }
  throw busy(`make network ${wish.name}`);
}

/**
 * Delete a network without endpoints, and all ranges reserved in it.
 * @returns whether it existed
 * @throws DpctlError NETWORK_IN_USE, exit 1; CLUSTER_..., exit 5
 */
export async function releaseNetwork(etcd: Etcd, name: string): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { entry } = await etcd.get(KEYS.network(name));
    if (entry === undefined) return false;
    const { vni } = decode(SCHEMAS.network, entry);
    const { done } = await commit(etcd, {
      seen: [{ key: KEYS.network(name), revision: entry.revision }],
      empty: [addressesOf(name), macsOf(name)],
      remove: [KEYS.network(name), KEYS.vni(vni)],
      removeBelow: [rangesOf(name)],
    });
    if (done) return true;
    const { entries } = await etcd.list(macsOf(name));
    if (entries.length > 0) {
      throw new DpctlError('NETWORK_IN_USE', `network ${name} has ${entries.length} endpoints`, {
        exitCode: 1,
        hint: 'detach them first, on all nodes',
        details: { network: name, endpoints: entries.length },
      });
    }
  }
  throw busy(`remove network ${name}`);
}

function same(wish: NetworkWish, { version: _, ...there }: NetworkRecord): ClusterNetwork {
  if (isDeepStrictEqual({ ...there, ...wish }, there)) return there;
  const differs = (Object.keys(wish) as (keyof NetworkWish)[]).filter(
    (key) => !isDeepStrictEqual(wish[key], there[key]),
  );
  throw new DpctlError(
    'NETWORK_MISMATCH',
    `the cluster has a network ${wish.name} with another ${differs.join(', ')}`,
    { exitCode: 1, hint: 'use it as it is, or another name', details: { network: there, differs } },
  );
}

async function freeVni(etcd: Etcd): Promise<number> {
  const { entries } = await etcd.list(PREFIXES.vnis);
  const taken = entries.map(({ key }) => Number.parseInt(key.slice(PREFIXES.vnis.length), 16));
  const vni = lowestFree(taken, 1, VNI_MAX);
  if (vni !== undefined) return vni;
  throw busy('find a free VNI');
}

function vniTaken(vni: number, value: Buffer): DpctlError {
  const { network } = JSON.parse(value.toString()) as { readonly network?: string };
  return new DpctlError('VNI_IN_USE', `VNI ${vni} belongs to network ${network}`, {
    exitCode: 1,
    hint: 'leave the VNI out to get a free one',
    details: { vni, network },
  });
}
