/** reconcile: make the whole node what its desired state says, whatever happened to it. */

import type { State } from '../model/state.js';
import { change } from './change.js';
import type { Node } from './node.js';
import { endpointRows } from './rows.js';
import type { ChangeOptions, ChangeResult, EndpointRow, PlanRow } from './types.js';

/** What reconcile would do, with the endpoints that it would drop. Changes nothing. */
export async function previewReconcile(
  node: Node,
): Promise<{ readonly plan: readonly PlanRow[]; readonly gone: readonly string[] }> {
  let before: EndpointRow[] = [];
  const { plan, state } = await change(node, { dryRun: true }, (current) => {
    before = endpointRows(current);
    return { state: current, scope: 'node' };
  });
  return { plan, gone: goneEndpoints(before, state).map(({ ns, ifname }) => `${ns}/${ifname}`) };
}

function goneEndpoints(before: readonly EndpointRow[], after: State): EndpointRow[] {
  const left = new Set(endpointRows(after).map(({ id }) => id));
  return before.filter(({ id, state }) => !left.has(id) && state !== 'detaching');
}

/**
 * Compare all of the kernel's state with what is desired and repair it: finish commands that
 * were killed, make again what was deleted by hand, drop endpoints whose namespace is gone,
 * and move endpoints to the programs of this build.
 */
export async function reconcile(node: Node, options: ChangeOptions = {}): Promise<ChangeResult> {
  let before: EndpointRow[] = [];
  const changed = await change(node, options, (state) => {
    before = endpointRows(state);
    return { state, scope: 'node' };
  });
  const gone = goneEndpoints(before, changed.state);
  return {
    ...changed,
    notes: [
      ...changed.notes,
      ...gone.map(({ ns, ifname }) => `endpoint ${ns} (${ifname}) is gone with its namespace`),
    ],
  };
}
