/** The list of endpoints: as desired state has it, and whether that is so. */
import { actualStates } from './dead.js';
import type { Node } from './node.js';
import { endpointRows } from './rows.js';
import type { EndpointRow } from './types.js';

/** Every endpoint that was attached, with its true state. */
export function endpointList(node: Node): EndpointRow[] {
  const state = node.store.load();
  const actual = actualStates(node, state);
  return endpointRows(state).map((row) => ({ ...row, state: actual.get(row.id) ?? row.state }));
}
