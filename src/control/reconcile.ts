/** reconcile: make the whole node what its desired state says, whatever happened to it. */
import { change } from './change.js';
import type { Node } from './node.js';
import { endpointRows } from './rows.js';
import type { ChangeOptions, ChangeResult } from './types.js';

/**
 * Compare all of the kernel's state with what is desired and repair it: finish commands that
 * were killed, make again what was deleted by hand, drop endpoints whose namespace is gone,
 * and move endpoints to the programs of this build.
 */
export async function reconcile(node: Node, options: ChangeOptions = {}): Promise<ChangeResult> {
  let before: ReturnType<typeof endpointRows> = [];
  const changed = await change(node, options, (state) => {
    before = endpointRows(state);
    return { state, scope: 'node' };
  });
  const left = new Set(endpointRows(changed.state).map(({ id }) => id));
  const gone = before.filter(({ id, state }) => !left.has(id) && state !== 'detaching');
  return {
    ...changed,
    notes: [
      ...changed.notes,
      ...gone.map(({ ns, ifname }) => `endpoint ${ns} (${ifname}) is gone with its namespace`),
    ],
  };
}
