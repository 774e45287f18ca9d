/** Update the records of this node in etcd after changes that were made without etcd or interrupted. */
import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { BUILD } from '../../api/version.js';
import { isGateway } from '../../model/desired/desired.js';
import { clusterPart } from '../../model/overlay/merge-cluster.js';
import type { ClusterEndpoint } from '../../model/state/cluster.js';
import type { Endpoint, State } from '../../model/state/state.js';
import type { Etcd } from '../../store/etcd/client.js';
import { putEndpoint, putNetwork, type Undo } from '../../store/etcd/records/change.js';
import { listEndpoints, releaseEndpoint } from '../../store/etcd/records/endpoints.js';
import { editNode, enrolNode, type NodeFacts } from '../../store/etcd/records/nodes.js';
import { decode, KEYS, PREFIXES, SCHEMAS } from '../../store/etcd/records/schema.js';
import { isAway } from './connection.js';

/** Claims that are made at a time. */
const AT_ONCE = 16;

/** What a settlement did. */
export interface Settled {
  readonly claimed: number;
  readonly released: number;
  /** Claims that were refused: another node has what this one uses. */
  readonly refused: readonly DpctlError[];
  readonly undo: readonly Undo[];
}

/** This node, as its record says. @throws DpctlError CLUSTER_NEEDS_UNDERLAY, exit 1 */
export function factsOf(name: string, { rootId, resolvedUnderlay }: State): NodeFacts {
  if (resolvedUnderlay === undefined || rootId === undefined) {
    throw new DpctlError(
      'CLUSTER_NEEDS_UNDERLAY',
      'this node has no usable underlay, so no address at which others reach it',
      { exitCode: 1, hint: { run: ['underlay', 'set', 'DEV'] } },
    );
  }
  return { name, id: rootId, vtep: resolvedUnderlay.vtep, build: BUILD };
}

/** Endpoints that others must know: not the host's own ports, whose addresses are the same on every node. */
export function sharedEndpoints({ endpoints }: State): Endpoint[] {
  return endpoints.filter((each) => !isGateway(each) && each.phase !== 'detaching');
}

/** The part of an endpoint that all nodes may know. */
export function sharedPart(endpoint: Endpoint): ClusterEndpoint {
  const { id, network, mac, ip4, ip6, owner, labels } = endpoint;
  return {
    ...{ id, network, mac },
    ...(ip4 !== undefined && { ip4 }),
    ...(ip6 !== undefined && { ip6 }),
    ...(owner !== undefined && { owner }),
    ...(labels !== undefined && { labels }),
  };
}

/** Names of the networks with endpoints, sorted. */
export function usedNetworks(state: State): string[] {
  return [...new Set(sharedEndpoints(state).map(({ network }) => network))].sort();
}

/**
 * Write the records of this node that are missing or differ, and release those that it no longer needs. Call
 * it under the node's lock: a command may have claimed what it has not saved yet.
 * @param uploads also make networks that no endpoint here is on
 * @throws DpctlError CLUSTER_..., exit 5; NODE_NAME_TAKEN, VTEP_IN_USE, exit 1
 */
export async function settle(
  etcd: Etcd,
  name: string,
  state: State,
  uploads = false,
): Promise<Settled> {
  const facts = factsOf(name, state);
  const { entry } = await etcd.get(KEYS.node(name));
  // A lease that has ended brings a record without that, also where the store has forgotten all else.
  const isKnown = entry !== undefined && decode(SCHEMAS.node, entry).networks !== undefined;
  await enrolNode(etcd, facts);
  const undo: Undo[] = [];
  const refused: DpctlError[] = [];
  const attempt = async (section: () => Promise<Undo | undefined>): Promise<boolean> => {
    try {
      const back = await section();
      if (back !== undefined) undo.push(back);
      return true;
    } catch (error) {
      if (!(error instanceof DpctlError) || isAway(error)) throw error;
      refused.push(error);
      return false;
    }
  };
  const there = new Set((await etcd.list(PREFIXES.networks)).entries.map(({ key }) => key));
  const used = new Set(usedNetworks(state));
  for (const network of state.networks) {
    if (there.has(KEYS.network(network.name))) continue;
    // A network unused on this node was deleted elsewhere, unless the store has forgotten this node, too.
    if (isKnown && !uploads && !used.has(network.name)) continue;
    await attempt(() => putNetwork(etcd, clusterPart(network)));
  }
  const records = new Map((await listEndpoints(etcd, name)).map((each) => [each.id, each]));
  const ours = sharedEndpoints(state).map(sharedPart);
  const ids = new Set(ours.map(({ id }) => id));
  const gone = [...records.keys()].filter((id) => !ids.has(id));
  await eachOf(gone, (id) => releaseEndpoint(etcd, name, id));
  const missing = ours.filter((each) => {
    const { version: _, node: __, ...record } = records.get(each.id) ?? {};
    return !isDeepStrictEqual(record, each);
  });
  let claimed = 0;
  await eachOf(missing, async (each) => {
    if (await attempt(() => putEndpoint(etcd, name, each))) claimed++;
  });
  await declareNetworks(etcd, facts, state);
  return { claimed, released: gone.length, refused, undo: undo.reverse() };
}

/** Say which networks this node has endpoints on, where its record says something else. */
export async function declareNetworks(
  etcd: Etcd,
  facts: Pick<NodeFacts, 'name' | 'id'>,
  state: State,
): Promise<void> {
  const networks = usedNetworks(state);
  await editNode(etcd, facts, (there) => ({ ...there, networks }));
}

/** Run a section for each of a list, several at a time. */
export async function eachOf<T>(
  list: readonly T[],
  section: (each: T) => Promise<unknown>,
): Promise<void> {
  const left = [...list];
  const work = async (): Promise<void> => {
    for (let each = left.shift(); each !== undefined; each = left.shift()) await section(each);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, work));
}

/** How much of this node's endpoints etcd does not have, or has in vain. */
export async function unsettled(etcd: Etcd, name: string, state: State): Promise<number> {
  const { entries } = await etcd.list(`${PREFIXES.endpoints}${name}/`);
  const there = new Set(entries.map((entry) => decode(SCHEMAS.endpoint, entry).id));
  const ours = sharedEndpoints(state);
  const missing = ours.filter(({ id }) => !there.has(id)).length;
  return missing + there.size - (ours.length - missing);
}
