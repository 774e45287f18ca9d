/** detach: remove a namespace's endpoints. */

import { advice, type Hint, run } from '../../../loader/hint.js';
import type { ChangeOptions } from '../../api/change.js';
import type { DetachChange, DetachRequest } from '../../api/endpoint.js';
import { markDetaching } from '../../model/endpoint/edits.js';
import { ownerText } from '../../model/endpoint/labels.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { change } from '../change/change.js';
import type { Node } from '../node/node.js';
import { endpointsNamed, namedNote } from './find-by-name.js';
import { endpointRows } from './state-rows.js';

/**
 * Take a namespace off its network: all of its endpoints, or the one with a given interface. Changes nothing
 * if none is attached. A namespace that `attach --create` made is deleted with its last endpoint, unless
 * another process or device uses it.
 */
export async function detach(
  node: Node,
  request: DetachRequest,
  options: ChangeOptions = {},
): Promise<DetachChange> {
  const changed = await change(node, options, (state, dead) => {
    const recorded = { ...state, endpoints: [...state.endpoints, ...dead] };
    const { found, notes } = chosen(node, recorded, request);
    const ids = new Set(found.map(({ id }) => id));
    const removed = endpointRows(recorded, ({ id }) => ids.has(id));
    let edited = state;
    for (const { id } of found.filter((each) => !dead.includes(each))) {
      edited = markDetaching(edited, id);
    }
    const networks = new Set(found.map(({ network }) => network));
    const scope = { endpoints: ids, networks };
    return { state: edited, scope, about: ids, result: { removed, notes } };
  });
  const { removed, notes } = changed.result;
  const namespacesDeleted = changed.steps.flatMap((step) =>
    step.op === 'netns.delete' ? [step.endpoint.namespace.ref] : [],
  );
  return {
    ...changed,
    notes: [...changed.notes, ...notes],
    created: false,
    endpoints: removed,
    hook: '',
    namespacesDeleted,
  };
}

/**
 * A user who cleans up after a container means the namespace that was attached by this name, not the one that
 * has the name now: a note tells what is attached there.
 */
function chosen(
  node: Node,
  state: State,
  request: DetachRequest,
): { readonly found: readonly Endpoint[]; readonly notes: readonly Hint[] } {
  const { ns, ifname, owner } = request;
  if (owner !== undefined) {
    const found = state.endpoints.filter(
      (each) =>
        each.namespace.ref === ns &&
        ownerText(each.owner) === owner &&
        (ifname === undefined || each.ifname === ifname),
    );
    return { found, notes: [] };
  }
  const named = endpointsNamed(node, state, { ref: ns, ifname });
  const { current, former, others, exists } = named;
  if (!exists) return { found: former, notes: [] };
  const attachedSo = current.filter(({ namespace }) => namespace.ref === ns);
  if (attachedSo.length > 0 && former.length > 0) {
    const text = advice`${ns} used to be another namespace, which still exists and stays attached: ${run`detach ${ns}`} again`;
    return { found: attachedSo, notes: [text] };
  }
  if (former.length === 0 && current.length > 0) return { found: current, notes: [] };
  const staying =
    former.length === 0 ? named : { ...named, current: [], others: [...current, ...others] };
  const note = namedNote(ns, staying);
  return { found: former, notes: note === '' ? [] : [note] };
}
