/** detach: a namespace loses its endpoints. */
import { markDetaching } from '../model/edit.js';
import type { Endpoint, State } from '../model/state.js';
import { change } from './change.js';
import { endpointsNamed } from './named.js';
import type { Node } from './node.js';
import { endpointRows } from './rows.js';
import type { ChangeOptions, DetachChange, EndpointChange } from './types.js';

/**
 * Take a namespace off its network: all of its endpoints, or the one of an interface. What is
 * not attached is left as it is. A namespace that `attach --create` made goes with its last endpoint,
 * unless somebody else uses it.
 */
export async function detach(
  node: Node,
  request: { readonly ns: string; readonly ifname?: string | undefined },
  options: ChangeOptions = {},
): Promise<DetachChange> {
  let removed: EndpointChange['endpoints'] = [];
  let notes: readonly string[] = [];
  const changed = await change(node, options, (state, dead) => {
    const recorded = { ...state, endpoints: [...state.endpoints, ...dead] };
    const { found, notes: told } = chosen(recorded, request);
    notes = told;
    const ids = new Set(found.map(({ id }) => id));
    removed = endpointRows(recorded, ({ id }) => ids.has(id));
    let edited = state;
    for (const { id } of found.filter((each) => !dead.includes(each))) {
      edited = markDetaching(edited, id);
    }
    const networks = new Set(found.map(({ network }) => network));
    return { state: edited, scope: { endpoints: ids, networks }, about: ids };
  });
  const namespacesDeleted = changed.plan
    .filter(({ step }) => step === 'netns.delete')
    .map(({ subject }) => subject);
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
 * Who cleans up after a container means the one that was attached by this name, not the one that has it
 * by now: of that the note says what is attached.
 */
function chosen(
  state: State,
  request: { readonly ns: string; readonly ifname?: string | undefined },
): { readonly found: readonly Endpoint[]; readonly notes: readonly string[] } {
  const { ns, ifname } = request;
  const { current, former, exists } = endpointsNamed(state, { ref: ns, ifname });
  const byName = current.some(({ namespace }) => namespace.ref === ns);
  if (former.length === 0 || byName) return { found: current, notes: [] };
  if (!exists) return { found: former, notes: [] };
  const other = current[0]?.namespace.ref;
  const stays = other === undefined ? '' : `, which stays attached as ${other}`;
  return {
    found: former,
    notes: [`${ns} is another namespace by now than the one that was detached${stays}`],
  };
}
