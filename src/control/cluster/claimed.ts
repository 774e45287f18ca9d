/**
 * A change of a node that is in a cluster: records that must be unique are claimed in etcd before the change,
 * and records that are no longer needed are released after it.
 */
import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import type { Hint } from '../../../loader/hint.js';
import { hostPath } from '../../linux/mountns.js';
import { clusterPart } from '../../model/overlay/merge-cluster.js';
import type { Endpoint, Network, State } from '../../model/state/state.js';
import type { Etcd } from '../../store/etcd/client.js';
import { putEndpoint, putNetwork, type Undo } from '../../store/etcd/records/change.js';
import { releaseEndpoint } from '../../store/etcd/records/endpoints.js';
import { releaseNetwork } from '../../store/etcd/records/networks.js';
import { enrolNode } from '../../store/etcd/records/nodes.js';
import { type Membership, saveMembership } from '../../store/membership.js';
import type { Node } from '../node/node.js';
import { isAway, membershipOf, withEtcd } from './connection.js';
import { isReserved } from './ranges.js';
import {
  declareNetworks,
  eachOf,
  factsOf,
  settle,
  sharedEndpoints,
  sharedPart,
  usedNetworks,
} from './settle.js';

/** A change that is about to be made. */
interface Claiming {
  readonly before: State;
  /** The state once the change is made. */
  readonly settled: State;
  /** The change comes from the cluster itself: nothing is claimed for it. */
  readonly fromCluster: boolean;
}

interface Differences {
  readonly networks: readonly Network[];
  readonly networksGone: readonly string[];
  readonly endpoints: readonly Endpoint[];
  readonly endpointsGone: readonly number[];
  /** The node has another address, or endpoints on other networks than before. */
  readonly node: boolean;
}

/**
 * Make a change, with its claims if the node is in a cluster.
 * @returns what the change returned, and remarks for the user
 * @throws what the change throws, and then nothing stays claimed; ADDRESS_IN_USE, MAC_IN_USE, VNI_IN_USE,
 *   NETWORK_IN_USE, exit 1; CLUSTER_..., exit 5, where etcd is away and the change needs it
 */
export async function claimed<T>(
  node: Node,
  { before, settled, fromCluster }: Claiming,
  apply: () => Promise<T>,
): Promise<{ readonly done: T; readonly notes: readonly Hint[] }> {
  const membership = fromCluster ? undefined : membershipOf(node);
  const differences = membership === undefined ? undefined : differencesOf(before, settled);
  if (membership === undefined || differences === undefined) {
    return { done: await apply(), notes: [] };
  }
  let claims: Undo[];
  try {
    claims = await withEtcd(node, membership, (etcd) =>
      claim(etcd, membership, settled, differences),
    );
  } catch (error) {
    if (!isAway(error) || !canWait(membership, differences)) throw error;
    const done = await apply();
    noteUnsettled(node, membership);
    return { done, notes: [toldLater(error)] };
  }
  let done: T;
  try {
    done = await apply();
  } catch (error) {
    await takeBack(node, membership, claims);
    throw error;
  }
  return { done, notes: await release(node, membership, settled, differences) };
}

/** @returns undefined: nothing that others need to know */
function differencesOf(before: State, after: State): Differences | undefined {
  const [was, is] = [before, after].map(
    (state) => new Map(sharedEndpoints(state).map((each) => [each.id, each])),
  ) as [Map<number, Endpoint>, Map<number, Endpoint>];
  const old = new Map(before.networks.map((each) => [each.name, each]));
  const names = new Set(after.networks.map(({ name }) => name));
  const found: Differences = {
    networks: after.networks.filter((each) => {
      const known = old.get(each.name);
      return known === undefined || !isDeepStrictEqual(clusterPart(known), clusterPart(each));
    }),
    networksGone: [...old.keys()].filter((name) => !names.has(name)),
    endpoints: [...is.values()].filter((each) => {
      const known = was.get(each.id);
      return known === undefined || !isDeepStrictEqual(sharedPart(known), sharedPart(each));
    }),
    endpointsGone: before.endpoints.map(({ id }) => id).filter((id) => !is.has(id)),
    node:
      before.resolvedUnderlay?.vtep !== after.resolvedUnderlay?.vtep ||
      !isDeepStrictEqual(usedNetworks(before), usedNetworks(after)),
  };
  return Object.values(found).some((each) => (Array.isArray(each) ? each.length > 0 : each))
    ? found
    : undefined;
}

/** @returns how to take back what was claimed, last first @throws after taking back what was claimed */
async function claim(
  etcd: Etcd,
  membership: Membership,
  after: State,
  differences: Differences,
): Promise<Undo[]> {
  try {
    return await claimAll(etcd, membership, after, differences);
  } catch (error) {
    // The store was wiped, or a user has made it forget this node.
    const isForgotten = error instanceof DpctlError && /_NOT_FOUND$/.test(error.code);
    if (!isForgotten) throw error;
    const known = new Set(differences.endpoints.map(({ id }) => id));
    const endpoints = after.endpoints.filter(({ id }) => !known.has(id));
    await settle(etcd, membership.name, { ...after, endpoints });
    return claimAll(etcd, membership, after, differences);
  }
}

async function claimAll(
  etcd: Etcd,
  { name }: Membership,
  after: State,
  { networks, networksGone, endpoints, node }: Differences,
): Promise<Undo[]> {
  const undo: Undo[] = [];
  try {
    if (node && after.resolvedUnderlay !== undefined) await enrolNode(etcd, factsOf(name, after));
    for (const each of networks) undo.unshift(await putNetwork(etcd, clusterPart(each)));
    for (const each of networksGone) await releaseNetwork(etcd, each);
    await eachOf(endpoints, async (each) => {
      undo.unshift(await putEndpoint(etcd, name, sharedPart(each)));
    });
    return undo;
  } catch (error) {
    for (const back of undo) await back().catch(() => {});
    throw error;
  }
}

/**
 * The change was not made. What stays claimed all the same is released by the next settlement. A change that
 * is half done keeps its claims: the next command finishes it.
 */
async function takeBack(
  node: Node,
  membership: Membership,
  claims: readonly Undo[],
): Promise<void> {
  const { state } = await node.store.load();
  if (state.unfinished === true) {
    noteUnsettled(node, membership);
    return;
  }
  for (const back of claims) await back().catch(() => noteUnsettled(node, membership));
}

/** What the change has freed, and what earlier ones could not tell. */
async function release(
  node: Node,
  membership: Membership,
  after: State,
  { endpointsGone, node: isOther }: Differences,
): Promise<Hint[]> {
  const { name, unsettled } = membership;
  const { rootId } = after;
  try {
    await withEtcd(node, membership, async (etcd) => {
      if (unsettled === true) {
        await settle(etcd, name, after);
        saveMembership(stateDirOf(node), { ...membership, unsettled: undefined });
        return;
      }
      await eachOf(endpointsGone, (id) => releaseEndpoint(etcd, name, id));
      if (isOther && rootId !== undefined) {
        await declareNetworks(etcd, { name, id: rootId }, after);
      }
    });
    return [];
  } catch (error) {
    if (!isAway(error)) throw error;
    noteUnsettled(node, membership);
    return [toldLater(error)];
  }
}

function toldLater({ message }: Error): string {
  return `the cluster is told when etcd answers again (${message})`;
}

function canWait({ ranges }: Membership, differences: Differences): boolean {
  const { networks, networksGone, endpoints } = differences;
  if (networks.length > 0 || networksGone.length > 0) return false;
  return endpoints.every(({ network, ip4, ip6 }) => isReserved(ranges?.[network], [ip4, ip6]));
}

/** Remember that etcd does not know all: the next command that reaches it, or the agent, tells it. */
function noteUnsettled(node: Node, membership: Membership): void {
  if (membership.unsettled !== true) {
    saveMembership(stateDirOf(node), { ...membership, unsettled: true });
  }
}

function stateDirOf({ paths }: Node): string {
  return hostPath(paths.stateDir);
}
