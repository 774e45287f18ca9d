/** cluster leave: give back all that this node has in the cluster. Its endpoints stay. */
import { DpctlError } from '../../../loader/errors.js';
import type { Hint } from '../../../loader/hint.js';
import type { ClusterChange, ClusterLeaveRequest } from '../../api/cluster.js';
import { hostPath } from '../../linux/mountns.js';
import { leaveCluster } from '../../model/overlay/merge-cluster.js';
import type { Etcd } from '../../store/etcd/client.js';
import { listEndpoints, releaseEndpoint } from '../../store/etcd/records/endpoints.js';
import { releaseNetwork } from '../../store/etcd/records/networks.js';
import { forgetNode, listNodes } from '../../store/etcd/records/nodes.js';
import { releaseRanges } from '../../store/etcd/records/ranges.js';
import { PREFIXES } from '../../store/etcd/records/schema.js';
import { type Membership, readMembership, removeMembership } from '../../store/membership.js';
import { change } from '../change/change.js';
import { nodeExists } from '../change/prepared-node.js';
import type { Node } from '../node/node.js';
import { isAway, withEtcd } from './connection.js';
import { clearRemoteEntries } from './remote-entries.js';
import { eachOf } from './settle.js';

/**
 * Leave the cluster: release the addresses, the ranges and the record of this node, and forget the other
 * nodes. Endpoints and networks stay as they are. A node that is in no cluster stays as it is.
 * @throws DpctlError CLUSTER_..., exit 5, while etcd does not answer, unless it is forced
 */
export async function clusterLeave(
  node: Node,
  { force = false }: ClusterLeaveRequest,
): Promise<ClusterChange> {
  const start = performance.now();
  const stateDir = hostPath(node.paths.stateDir);
  const membership = readIfPossible(stateDir, force);
  const notes: Hint[] = [];
  const result = { name: membership?.name ?? '', endpoints: membership?.endpoints ?? [] };
  if (membership === undefined && !(await knowsCluster(node))) {
    if (force) removeMembership(stateDir);
    return { changed: false, plan: [], notes, milliseconds: 0, ...result };
  }
  if (membership !== undefined) {
    const release = await node.store.lock();
    let isReleased = false;
    try {
      await withEtcd(node, membership, (etcd) => removeRecords(etcd, membership.name));
      isReleased = true;
    } catch (error) {
      if (!force || !isAway(error)) throw error;
      notes.push(
        `etcd did not answer: the records of node ${membership.name} stay there (${error.message})`,
      );
    } finally {
      // Under the lock: no other process may claim again what was just released.
      if (isReleased || force) removeMembership(stateDir);
      release();
    }
  } else if (force) removeMembership(stateDir);
  // The agent stops following when it sees that.
  const changed = await change(node, { onlyInUse: true }, (state) => {
    const { state: left, nodes } = leaveCluster(state);
    const scope = { endpoints: new Set<number>(), networks: new Set<string>(), nodes };
    return { state: left, scope, fromCluster: true, result: undefined };
  });
  clearRemoteEntries(node);
  return {
    ...changed,
    changed: changed.changed || membership !== undefined,
    notes: [...changed.notes, ...notes],
    milliseconds: performance.now() - start,
    ...result,
  };
}

/** Whether nodes of a cluster are left here, of a leave that was killed. */
async function knowsCluster(node: Node): Promise<boolean> {
  if (!nodeExists(node)) return false;
  return (await node.store.load()).state.nodes.some(({ cluster }) => cluster === true);
}

function readIfPossible(stateDir: string, force: boolean): Membership | undefined {
  try {
    return readMembership(stateDir);
  } catch (error) {
    if (!force || !(error instanceof DpctlError)) throw error;
    return undefined;
  }
}

/** Delete all records of a node; also the networks if it was the last. @throws CLUSTER_..., exit 5 */
export async function removeRecords(etcd: Etcd, name: string): Promise<void> {
  const records = await listEndpoints(etcd, name);
  await eachOf(records, ({ id }) => releaseEndpoint(etcd, name, id));
  await releaseRanges(etcd, name);
  await forgetNode(etcd, name);
  if ((await listNodes(etcd)).length > 0) return;
  for (const { key } of (await etcd.list(PREFIXES.networks)).entries) {
    await releaseNetwork(etcd, key.slice(PREFIXES.networks.length)).catch((error) => {
      if (isAway(error)) throw error;
    });
  }
}

/** Give back what a node has, as well as that is possible now: it is about to be removed. Never throws. */
export async function leaveQuietly(node: Node): Promise<void> {
  try {
    const membership = readMembership(hostPath(node.paths.stateDir));
    if (membership === undefined) return;
    await withEtcd(node, membership, (etcd) => removeRecords(etcd, membership.name));
  } catch {
    // Others see the node as lost.
  }
}
