/** Take over the nodes and networks of the cluster, as they are now. */
import type { ChangeResult } from '../../api/change.js';
import { type ClusterView, mergeCluster } from '../../model/overlay/merge-cluster.js';
import type { State } from '../../model/state/state.js';
import type { Etcd } from '../../store/etcd/client.js';
import { type ClusterNode, listNodes } from '../../store/etcd/records/nodes.js';
import { decode, PREFIXES, SCHEMAS } from '../../store/etcd/records/schema.js';
import type { Membership } from '../../store/membership.js';
import { change } from '../change/change.js';
import type { Node } from '../node/node.js';

/** How much a look at the cluster is believed. */
export interface PullOptions {
  /** An agent follows the cluster from now on: floods go only to the nodes that have the network. */
  readonly follows?: boolean;
  /** More than half of the nodes may go: a second look has said so. */
  readonly isSure?: boolean;
  /** Nothing goes: the store was replaced, and not all have told it yet what they have. */
  readonly isCareful?: boolean;
  /** Names of the nodes that have been lost for so long that they go; without it, none go that are lost. */
  readonly expired?: ReadonlySet<string>;
}

/** What came of it. */
export interface Pulled extends ChangeResult {
  /** Nodes that are gone from etcd and stay for now, because they are too many at once. */
  readonly held: number;
  readonly problems: readonly string[];
}

/** Fewer may go at once: in a small cluster that is everyday life. */
const LEAST = 4;

/** The nodes and networks that etcd has. */
export async function readView(
  etcd: Etcd,
  { name }: Pick<Membership, 'name'>,
  state: State,
  { isSure = false, isCareful = false, follows = false, expired }: PullOptions = {},
): Promise<ClusterView & { readonly held: number }> {
  const nodes = await listNodes(etcd);
  const { entries } = await etcd.list(PREFIXES.networks);
  const networks = entries.map((entry) => {
    const { version: _, ...network } = decode(SCHEMAS.network, entry);
    return network;
  });
  const isLost = ({ leased, isAlive }: ClusterNode): boolean => leased === true && !isAlive;
  const others = nodes.filter((each) => each.name !== name);
  const lost = others.filter(isLost).map((each) => each.name);
  const doubtful = new Set(lost.filter((each) => expired?.has(each) !== true));
  const known = state.nodes.filter(({ cluster }) => cluster === true);
  const names = new Set(others.map((each) => each.name));
  const gone = known.filter((each) => !names.has(each.name)).length;
  const held = !isSure && gone >= LEAST && gone > known.length / 2 ? gone : 0;
  // A store that does not know this node has forgotten more than that.
  const knowsUs = nodes.find((each) => each.name === name)?.networks !== undefined;
  return {
    // What is looked at once grows old: such a node sends floods to all others.
    nodes: others
      .filter((each) => !isLost(each))
      .map(({ networks, ...each }) => (follows ? { ...each, networks } : each)),
    doubtful,
    networks,
    isWhole: knowsUs && held === 0 && !isCareful,
    held,
  };
}

/**
 * Take over the nodes and networks of the cluster.
 * @throws DpctlError CLUSTER_..., exit 5; as {@link change}
 */
export async function pull(
  node: Node,
  etcd: Etcd,
  membership: Membership,
  options: PullOptions = {},
): Promise<Pulled> {
  const { state } = await node.store.load();
  // Without the lock: mostly there is nothing new.
  const view = await readView(etcd, membership, state, options);
  const first = mergeCluster(state, view);
  if (first.state === state) return { ...UNCHANGED, held: view.held, problems: first.problems };
  const changed = await change(node, { onlyInUse: true }, async (current) => {
    const now = await readView(etcd, membership, current, options);
    const { state: merged, nodes, networks, problems } = mergeCluster(current, now);
    const scope = { endpoints: gatewaysOf(merged, current, networks), networks, nodes };
    return { state: merged, scope, fromCluster: true, result: { problems, held: now.held } };
  });
  return { ...changed, ...changed.result };
}

const UNCHANGED: ChangeResult = { changed: false, plan: [], notes: [], milliseconds: 0 };

/** Endpoints on changed networks: some settings show inside them. */
function gatewaysOf(after: State, before: State, networks: ReadonlySet<string>): Set<number> {
  const all = [...after.endpoints, ...before.endpoints];
  return new Set(all.filter(({ network }) => networks.has(network)).map(({ id }) => id));
}
