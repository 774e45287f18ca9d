/** The list of endpoints: as desired state has it, and whether that is so. */

import type { EndpointRow } from '../../api/endpoint.js';
import type { Node } from '../node/node.js';
import { actualStates } from './dead-namespaces.js';
import { endpointRows } from './state-rows.js';

/** Every endpoint that was attached, with its true state. */
export async function endpointList(node: Node): Promise<EndpointRow[]> {
  node.refresh();
  const { state } = await node.store.load();
  const actual = actualStates(node, state);
  return endpointRows(state).map((row) => ({ ...row, state: actual.get(row.id) ?? row.state }));
}
