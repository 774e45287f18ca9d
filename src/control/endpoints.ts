/** The list of endpoints as desired state has it. */
import type { Node } from './node.js';
import { endpointRows } from './rows.js';
import type { EndpointRow } from './types.js';

/** Every endpoint that was attached. */
export function endpointList(node: Node): EndpointRow[] {
  return endpointRows(node.store.load());
}
