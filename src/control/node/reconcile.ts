/** reconcile: make the whole node match its desired state, whatever happened to it. */

import type { ChangeResult, PlanRow } from '../../api/change.js';
import type { EndpointRow } from '../../api/endpoint.js';
import { recountLearned } from '../../datapath/fdb-control.js';
import { areTablesPinned } from '../../datapath/install.js';
import type { State } from '../../model/state/state.js';
import { change, type Edit, preview } from '../change/change.js';
import type { Failure } from '../change/endpoint-failures.js';
import type { MendOptions } from '../change/prepared-node.js';
import { endpointRows } from '../endpoint/state-rows.js';
import { datapathOf, hostPins, type Node } from './node.js';

/** How a node differs from its desired state. */
export interface Differences {
  /** Endpoints that reconcile would drop, as NS/IFNAME. */
  readonly gone: readonly string[];
  /** The other changes it would make. */
  readonly drift: readonly PlanRow[];
  /** Endpoints that it could not repair. */
  readonly failures: readonly Failure[];
}

/** The changes reconcile would make. Changes nothing. */
export async function previewReconcile(node: Node): Promise<Differences> {
  const edit: Edit<EndpointRow[]> = (current, dead) => ({
    state: current,
    scope: 'node',
    result: endpointRows({ ...current, endpoints: [...current.endpoints, ...dead] }),
  });
  const { plan, state, failures, result: before } = await preview(node, edit);
  const gone = goneEndpoints(before, state).map(({ ns, ifname }) => `${ns}/${ifname}`);
  const renamed = renamedRows(before, state);
  if (gone.length === 0) return { gone, drift: [...plan, ...renamed], failures };
  // A step that is planned with and without dropping the dead has another cause.
  const anyway = new Set((await preview(node, edit, true)).plan.map((row) => JSON.stringify(row)));
  const drift = plan.filter((row) => anyway.has(JSON.stringify(row)));
  return { gone, drift: [...drift, ...renamed], failures };
}

/** Host ends that their owners have renamed: following the name needs no step. */
function renamedRows(before: readonly EndpointRow[], after: State): PlanRow[] {
  const names = new Map(endpointRows(after).map(({ id, hostIfname }) => [id, hostIfname]));
  return before.flatMap(({ id, ns, ifname, hostIfname }) => {
    const now = names.get(id) ?? hostIfname;
    if (now === hostIfname) return [];
    return [
      {
        step: 'host.renamed',
        subject: `${ns}/${ifname}`,
        detail: `${hostIfname} is now named ${now}`,
      },
    ];
  });
}

function goneEndpoints(before: readonly EndpointRow[], after: State): EndpointRow[] {
  const left = new Set(endpointRows(after).map(({ id }) => id));
  return before.filter(({ id, state }) => !left.has(id) && state !== 'detaching');
}

/**
 * Compare the kernel's whole state with the desired state and repair it: finish killed commands, make again
 * what was deleted by hand, drop endpoints whose namespace is gone, and move endpoints to the programs of
 * this build.
 */
export async function reconcile(node: Node, options: MendOptions = {}): Promise<ChangeResult> {
  const changed = await change(node, options, (state) => ({
    state,
    scope: 'node',
    result: endpointRows(state),
  }));
  if (options.dryRun !== true && areTablesPinned(hostPins(node))) recountLearned(datapathOf(node));
  const gone = goneEndpoints(changed.result, changed.state);
  return {
    ...changed,
    notes: [
      ...changed.notes,
      // Without --dry-run these are errors.
      ...changed.failures.map(
        ({ subject, error }) => `nothing can be done for ${subject}: ${error.message}`,
      ),
      ...gone.map(({ ns, ifname }) => `endpoint ${ns} (${ifname}) is gone with its namespace`),
    ],
  };
}
