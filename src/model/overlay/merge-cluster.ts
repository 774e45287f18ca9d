/** What a cluster's records make of the state of one of its nodes. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { NODE_MAX } from '../../contract/generated.js';
import { familyOf } from '../address/ip.js';
import { lowestFree } from '../network/ipam.js';
import { addNetwork, deleteNetwork } from '../network/networks.js';
import type { ClusterNetwork } from '../state/cluster.js';
import { findEndpoints } from '../state/lookup.js';
import type { Network, Remote, State } from '../state/state.js';
import { checkReplication } from './remotes.js';

/** A node of a cluster. */
export interface ClusterMember {
  readonly name: string;
  readonly vtep: string;
  readonly networks?: readonly string[] | undefined;
}

/** Nodes and networks of a cluster at one moment. */
export interface ClusterView {
  /** This node is not among them. */
  readonly nodes: readonly ClusterMember[];
  /** Nodes that are kept where they are known, and not made known. */
  readonly doubtful?: ReadonlySet<string>;
  readonly networks: readonly ClusterNetwork[];
  /** What is missing was deleted. Otherwise it stays: the store may have been wiped. */
  readonly isWhole: boolean;
}

/** A state after a merge. */
export interface Merged {
  readonly state: State;
  /** Numbers of nodes, and names of networks, that came, went or changed. */
  readonly nodes: ReadonlySet<number>;
  readonly networks: ReadonlySet<string>;
  /** What could not be taken over, and why. */
  readonly problems: readonly string[];
}

/**
 * Take over the nodes and networks of a cluster. Nodes that a user added stay; one of the same name or
 * address is the cluster's from then on. A network with endpoints is never deleted.
 */
export function mergeCluster(before: State, view: ClusterView): Merged {
  const problems: string[] = [];
  const networks = new Set<string>();
  let state = before;
  for (const wanted of view.networks) {
    const next = orProblem(problems, `network ${wanted.name}`, () => mergeNetwork(state, wanted));
    if (next === undefined || next === state) continue;
    state = next;
    networks.add(wanted.name);
  }
  const names = new Set(view.networks.map(({ name }) => name));
  for (const { name } of view.isWhole ? before.networks : []) {
    if (names.has(name) || findEndpoints(state, { network: name }).length > 0) continue;
    state = deleteNetwork(state, name);
    networks.add(name);
  }
  const merged = mergeNodes(state, view, problems);
  const fits = orProblem(problems, 'nodes', () => {
    checkReplication(merged.state);
    return merged;
  });
  const { state: after, nodes } = fits ?? { state, nodes: new Set<number>() };
  return { state: after, nodes, networks, problems };
}

function orProblem<T>(problems: string[], what: string, section: () => T): T | undefined {
  try {
    return section();
  } catch (error) {
    if (!(error instanceof DpctlError)) throw error;
    problems.push(`${what}: ${error.message}`);
    return undefined;
  }
}

/** A network as the cluster has it, with what this node chose for itself. */
function mergeNetwork(state: State, wanted: ClusterNetwork): State {
  const old = state.networks.find(({ name }) => name === wanted.name);
  if (old !== undefined && isDeepStrictEqual(clusterPart(old), wanted)) return state;
  const { gateway, subnet4, subnet6 } = wanted;
  const gateways = [gateway?.ip4, gateway?.ip6].filter((each) => each !== undefined);
  const edit = addNetwork(state, {
    name: wanted.name,
    vni: wanted.vni,
    subnets: [subnet4, subnet6].filter((each) => each !== undefined),
    ageing: wanted.ageing,
    gateway: gateways.length > 0 ? gateways : false,
    masquerade: wanted.masquerade,
    bigTcp: wanted.bigTcp,
    groupFwdMask: wanted.groupFwdMask ?? 0,
    routeBetween: wanted.routeBetween ?? false,
    floodUnknown: wanted.floodUnknown ?? true,
    learnNodes: wanted.learnNodes ?? true,
  });
  return edit.state;
}

/** The part of a network that all nodes share. */
export function clusterPart({ index: _, range4: __, range6: ___, ...shared }: Network) {
  return shared satisfies ClusterNetwork;
}

function mergeNodes(
  state: State,
  { nodes, doubtful = new Set(), isWhole }: ClusterView,
  problems: string[],
): { readonly state: State; readonly nodes: ReadonlySet<number> } {
  const family =
    state.resolvedUnderlay === undefined ? undefined : familyOf(state.resolvedUnderlay.vtep);
  const usable = nodes.filter(({ name, vtep }) => {
    const isOther = family !== undefined && familyOf(vtep) !== family;
    if (isOther) problems.push(`node ${name}: ${vtep} is of another family than the underlay`);
    return !isOther && vtep !== state.resolvedUnderlay?.vtep;
  });
  const byName = new Map(usable.map((each) => [each.name, each]));
  const vteps = new Set(usable.map(({ vtep }) => vtep));
  const kept = state.nodes.filter(({ name, vtep, cluster }) => {
    if (byName.has(name)) return false;
    if (vteps.has(vtep)) return false;
    return cluster !== true || !isWhole || doubtful.has(name);
  });
  const old = new Map(state.nodes.map((each) => [each.name, each]));
  const numbers = new Set(kept.map(({ number }) => number));
  for (const { name } of usable) {
    const { number } = old.get(name) ?? {};
    if (number !== undefined) numbers.add(number);
  }
  const taken = usable.flatMap((each): Remote[] => {
    const known = old.get(each.name);
    const number = known?.number ?? lowestFree(numbers, 1, NODE_MAX - 1);
    if (number === undefined) {
      problems.push(`node ${each.name}: a node knows ${NODE_MAX - 1} others at most`);
      return [];
    }
    numbers.add(number);
    const { name, vtep, networks } = each;
    const shared = networks === undefined ? {} : { networks: [...networks].sort() };
    return [{ name, number, vtep, cluster: true, ...shared }];
  });
  const after = [...kept, ...taken].sort((a, b) => a.number - b.number);
  if (isDeepStrictEqual(after, state.nodes)) return { state, nodes: new Set() };
  const gone = state.nodes.filter(({ number }) => !numbers.has(number));
  const changed = after.filter((each) => !isDeepStrictEqual(each, old.get(each.name)));
  const lost = new Set(gone.map(({ number }) => number));
  return {
    state: {
      ...state,
      nodes: after,
      remoteFdb: state.remoteFdb.filter(({ node }) => !lost.has(node)),
    },
    nodes: new Set([...changed, ...gone].map(({ number }) => number)),
  };
}

/** A state without what came from a cluster: its nodes go, its networks stay. */
export function leaveCluster(state: State): Merged {
  return mergeCluster(state, {
    nodes: [],
    networks: state.networks.map(clusterPart),
    isWhole: true,
  });
}
