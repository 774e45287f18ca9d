/** Reconciles if something has to be done, and otherwise leaves the node's lock to others. */
import type { ChangeResult } from '../../api/change.js';
import { pinFaults } from '../../datapath/install.js';
import { preview } from '../change/change.js';
import { nodeExists } from '../change/prepared-node.js';
import { refuseLostNamespace } from './namespace.js';
import { hostPins, type Node } from './node.js';
import { reconcile } from './reconcile.js';

/**
 * Inspect the whole node without its lock, and reconcile it if it is not as desired.
 * @returns undefined if it is as desired, or not in use
 * @throws as reconcile; DpctlError NODE_NETNS_CHANGED, NODE_UNUSED, exit 3
 */
export async function reconcileIfNeeded(node: Node): Promise<ChangeResult | undefined> {
  if (!nodeExists(node)) return undefined;
  refuseLostNamespace(node);
  if (await isAsAsked(node)) return undefined;
  return reconcile(node, { onlyInUse: true });
}

async function isAsAsked(node: Node): Promise<boolean> {
  try {
    if (pinFaults(hostPins(node)).length > 0) return false;
    if ((await node.store.faults()).length > 0) return false;
    const { changed, failures } = await preview(node, (state) => ({
      state,
      scope: 'node',
      result: undefined,
    }));
    return !changed && failures.length === 0;
  } catch {
    // It may be a change in progress or a fault: the look under the lock decides.
    return false;
  }
}
