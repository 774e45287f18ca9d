/** Endpoints whose namespaces are gone are cleared away, and nothing else is looked at. */
import type { ChangeResult } from '../../api/change.js';
import { change } from '../change/change.js';
import { nodeExists } from '../change/prepared-node.js';
import type { Node } from '../node/node.js';
import { findDead } from './dead-namespaces.js';

/**
 * Take away all that is left of endpoints whose namespaces are gone: entries, learned MACs, addresses. Looks
 * without the node's lock first, and takes it only where there is one.
 * @returns undefined where there is none
 * @throws as {@link change}
 */
export async function clearDead(node: Node): Promise<ChangeResult | undefined> {
  if (!nodeExists(node)) return undefined;
  node.refresh();
  const { state } = await node.store.load();
  if (findDead(node, state).length === 0) return undefined;
  // Each change looks for the dead and takes them into its scope.
  const scope = { endpoints: new Set<number>(), networks: new Set<string>() };
  return change(node, { onlyInUse: true }, (current) => ({
    state: current,
    scope,
    result: undefined,
  }));
}
