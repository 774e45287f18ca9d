/** Remove dead endpoints and look at nothing else. */
import type { ChangeResult } from '../../api/change.js';
import { change } from '../change/change.js';
import { nodeExists } from '../change/prepared-node.js';
import type { Node } from '../node/node.js';
import { findDead } from './dead-namespaces.js';

/**
 * Remove all that is left of endpoints whose namespaces are gone: entries, learned MACs, addresses. Looks
 * without the node's lock first, and takes the lock only if there is one.
 * @param devices numbers of host ends to look at, so that the look takes as long with thousands of endpoints
 *   as with a few; all endpoints if undefined
 * @returns undefined if there is none
 * @throws as {@link change}
 */
export async function clearDead(
  node: Node,
  devices?: ReadonlySet<number>,
): Promise<ChangeResult | undefined> {
  if (devices?.size === 0 || !nodeExists(node)) return undefined;
  node.refresh();
  const { state } = await node.store.load();
  if (findDead(node, state, devices).length === 0) return undefined;
  // Every change looks for dead endpoints and adds them to its scope.
  const scope = { endpoints: new Set<number>(), networks: new Set<string>() };
  return change(node, { onlyInUse: true, devices }, (current) => ({
    state: current,
    scope,
    result: undefined,
  }));
}
