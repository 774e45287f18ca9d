/** Atomic updates of existing records, repeated if another process has changed the record meanwhile. */
import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../../loader/errors.js';
import { addressOf } from '../../../model/address/prefix.js';
import type { ClusterEndpoint, ClusterNetwork } from '../../../model/state/cluster.js';
import type { Etcd } from '../client.js';
import { commit } from './claim.js';
import { claimEndpoint, releaseEndpoint } from './endpoints.js';
import { claimNetwork, releaseNetwork } from './networks.js';
import { busy } from './nodes.js';
import { addressesOf, decode, encode, KEYS, macsOf, SCHEMAS } from './schema.js';

/** Reverts a change. @throws DpctlError CLUSTER_..., exit 5 */
export type Undo = () => Promise<unknown>;

const NOTHING: Undo = async () => {};

/** Maximum number of attempts when other writers change the record concurrently. */
const ATTEMPTS = 20;

/**
 * Create or update a network.
 * @returns a function that reverts the change
 * @throws DpctlError NETWORK_IN_USE (another VNI or subnet while it has endpoints), VNI_IN_USE, exit 1;
 *   CLUSTER_..., exit 5
 */
export async function putNetwork(etcd: Etcd, network: ClusterNetwork): Promise<Undo> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { entry } = await etcd.get(KEYS.network(network.name));
    if (entry === undefined) {
      await claimNetwork(etcd, network);
      return () => releaseNetwork(etcd, network.name);
    }
    const { version: _, ...there } = decode(SCHEMAS.network, entry);
    if (isDeepStrictEqual(there, network)) return NOTHING;
    const isMoved =
      there.vni !== network.vni ||
      there.subnet4 !== network.subnet4 ||
      there.subnet6 !== network.subnet6;
    const vni = KEYS.vni(network.vni);
    const holds = there.vni === network.vni;
    const { done, found } = await commit(etcd, {
      seen: [entry, ...(holds ? [] : [{ key: vni, revision: 0 }])],
      empty: isMoved ? [addressesOf(network.name), macsOf(network.name)] : [],
      put: [
        { key: entry.key, value: encode(network) },
        ...(holds ? [] : [{ key: vni, value: encode({ network: network.name }) }]),
      ],
      remove: holds ? [] : [KEYS.vni(there.vni)],
    });
    if (done) return () => putNetwork(etcd, there);
    if (!holds && found.has(vni)) {
      throw new DpctlError('VNI_IN_USE', `the cluster has VNI ${network.vni} for another network`, {
        exitCode: 1,
        hint: 'choose another VNI',
        details: { vni: network.vni },
      });
    }
    if (isMoved && (await etcd.list(macsOf(network.name))).entries.length > 0) {
      throw new DpctlError(
        'NETWORK_IN_USE',
        `network ${network.name} keeps its VNI and its subnets while nodes have endpoints on it`,
        {
          exitCode: 1,
          hint: 'detach them first, on all nodes',
          details: { network: network.name },
        },
      );
    }
  }
  throw busy(`change network ${network.name}`);
}

/**
 * Create or update an endpoint of a node.
 * @returns a function that reverts the change
 * @throws as {@link claimEndpoint}
 */
export async function putEndpoint(
  etcd: Etcd,
  node: string,
  endpoint: ClusterEndpoint,
): Promise<Undo> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { entry } = await etcd.get(KEYS.endpoint(node, endpoint.id));
    if (entry === undefined) {
      await claimEndpoint(etcd, node, endpoint);
      return () => releaseEndpoint(etcd, node, endpoint.id);
    }
    const { version: _, node: __, ...there } = decode(SCHEMAS.endpoint, entry);
    if (isDeepStrictEqual(there, endpoint)) return NOTHING;
    const undo: Undo = () => putEndpoint(etcd, node, there);
    if (isSamePlace(there, endpoint)) {
      const value = encode({ ...endpoint, node });
      if ((await commit(etcd, { seen: [entry], put: [{ key: entry.key, value }] })).done) {
        return undo;
      }
      continue;
    }
    await releaseEndpoint(etcd, node, endpoint.id);
    try {
      await claimEndpoint(etcd, node, endpoint);
      return undo;
    } catch (error) {
      await claimEndpoint(etcd, node, there).catch(() => {});
      throw error;
    }
  }
  throw busy(`change endpoint ${endpoint.id}`);
}

function isSamePlace(a: ClusterEndpoint, b: ClusterEndpoint): boolean {
  const placeOf = ({ network, mac, ip4, ip6 }: ClusterEndpoint) =>
    [network, mac, ...[ip4, ip6].map((each) => each && addressOf(each))].join(' ');
  return placeOf(a) === placeOf(b);
}
