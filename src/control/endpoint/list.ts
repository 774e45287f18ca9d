/** The list of endpoints: the desired state, and whether the kernel agrees. */

import type { EndpointRow } from '../../api/endpoint.js';
import type { Node } from '../node/node.js';
import { actualStates } from './dead-namespaces.js';
import { endpointRows } from './state-rows.js';

/** Every attached endpoint, with its actual state. */
export async function endpointList(node: Node): Promise<EndpointRow[]> {
  node.refresh();
  const { state } = await node.store.load();
  const actual = actualStates(node, state);
  return endpointRows(state).map((row) => ({ ...row, state: actual.get(row.id) ?? row.state }));
}
