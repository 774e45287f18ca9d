/** What a node without an agent does now and then: tell the cluster what it has, and take over what others have. */
import { isDeepStrictEqual } from 'node:util';
import type { ChangeResult } from '../../api/change.js';
import { hostPath } from '../../linux/mountns.js';
import type { Etcd } from '../../store/etcd/client.js';
import { type Membership, saveMembership } from '../../store/membership.js';
import type { Node } from '../node/node.js';
import { isAway, membershipOf, withEtcd } from './connection.js';
import { pull } from './pull.js';
import { keepRanges } from './ranges.js';
import { writeRemoteEntries } from './remote-entries.js';
import { settle } from './settle.js';

/**
 * Bring node and cluster together once; a node that is in none is left alone.
 * @returns what has changed here, with remarks; etcd that is away is one of them
 */
export async function followOnce(node: Node, done: ChangeResult): Promise<ChangeResult> {
  const membership = membershipOf(node);
  if (membership === undefined) return done;
  try {
    return await withEtcd(node, membership, async (etcd) => {
      const refused = await settleNode(node, etcd, membership);
      const pulled = await pull(node, etcd, membership);
      await writeRemoteEntries(node, etcd, membership.name);
      const held =
        pulled.held === 0
          ? []
          : [
              `${pulled.held} nodes are gone from etcd at once, and stay here until an agent is sure`,
            ];
      return {
        changed: done.changed || pulled.changed,
        plan: [...done.plan, ...pulled.plan],
        notes: [...done.notes, ...pulled.notes, ...refused, ...pulled.problems, ...held],
        milliseconds: done.milliseconds + pulled.milliseconds,
      };
    });
  } catch (error) {
    if (!isAway(error)) throw error;
    return { ...done, notes: [...done.notes, `the cluster was not looked at: ${error.message}`] };
  }
}

/** {@link settle} under the node's lock. @returns what the cluster refused, in words */
export async function settleNode(
  node: Node,
  etcd: Etcd,
  membership: Membership,
): Promise<readonly string[]> {
  const release = await node.store.lock('tell the cluster');
  try {
    const current = membershipOf(node);
    // Another command has left the cluster before the lock was taken.
    if (current === undefined) return [];
    const { state } = await node.store.load();
    const { refused } = await settle(etcd, membership.name, state);
    const ranges = await keepRanges(etcd, current, state);
    const now: Membership = { ...current, ranges, unsettled: false };
    if (!isDeepStrictEqual(current, now)) saveMembership(hostPath(node.paths.stateDir), now);
    return refused.map(({ message }) => message);
  } finally {
    release();
  }
}
