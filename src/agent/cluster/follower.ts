import { nodeExists } from '../../control/change/prepared-node.js';
import { membershipOf } from '../../control/cluster/connection.js';
import { clearRemoteEntries } from '../../control/cluster/remote-entries.js';
import type { State } from '../../model/state/state.js';
import type { Membership } from '../../store/membership.js';
import { errorFields } from '../log.js';
import { type FollowerOptions, type Following, startFollowing } from './following.js';

/** Milliseconds between looks at whether the node has joined or left a cluster. */
const EVERY = 1000;

/** Follows whatever cluster the node is in. */
export interface Follower {
  /** The node's state, or the cluster that it is in, may be another one. */
  check(state: State): void;
  /** Compare the tables with what is known; a full look has been taken. */
  compare(): void;
  stop(): Promise<void>;
}

/** Follows nothing until it is told to check. */
export function newFollower(options: FollowerOptions): Follower {
  const { node, log, queue } = options;
  let key = '';
  let current: Following | undefined;
  let last: State | undefined;
  let said = '';
  const check = (state: State, isTimer = false): void => {
    last = state;
    let membership: Membership | undefined;
    try {
      membership = nodeExists(node) ? membershipOf(node) : undefined;
    } catch (error) {
      const fields = errorFields(error);
      if (said !== String(error)) log.warn(fields, 'the cluster is not followed');
      said = String(error);
      return;
    }
    said = '';
    const { unsettled: _, ranges: __, ...fixed } = membership ?? { name: '' };
    const vtep = state.resolvedUnderlay?.vtep;
    const isUsable = membership !== undefined && vtep !== undefined;
    const now = isUsable ? JSON.stringify([fixed, vtep]) : '';
    if (now === key) {
      if (!isTimer) current?.place(state);
      return;
    }
    key = now;
    const former = current;
    current = undefined;
    node.cluster.live = undefined;
    const ended = former?.stop() ?? Promise.resolve();
    if (membership === undefined || !isUsable) {
      if (former === undefined) return;
      log.info('this node is in no cluster any more');
      void queue
        .run(() => clearRemoteEntries(node))
        .catch((error) => log.warn(errorFields(error), 'entries of other nodes are left'));
      return;
    }
    current = startFollowing(options, membership, state, ended);
  };
  // Joining and leaving need not change the state.
  const timer = setInterval(() => last && check(last, true), EVERY);
  timer.unref();
  return {
    check,
    compare: () => current?.compare(),
    async stop() {
      clearInterval(timer);
      await current?.stop();
    },
  };
}
