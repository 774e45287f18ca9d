/** detach: a namespace loses its endpoints. */
import { DpctlError } from '../../loader/errors.js';
import { withNetnsRef } from '../kernel/netns.js';
import { findEndpoints, markDetaching } from '../model/edit.js';
import { change } from './change.js';
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
  const changed = await change(node, options, (state) => {
    const found = findEndpoints(state, {
      ref: request.ns,
      cookie: cookieOf(request.ns),
      ifname: request.ifname,
    });
    const ids = new Set(found.map(({ id }) => id));
    removed = endpointRows(state, ({ id }) => ids.has(id));
    let edited = state;
    for (const id of ids) edited = markDetaching(edited, id);
    const networks = new Set(found.map(({ network }) => network));
    return { state: edited, scope: { endpoints: ids, networks } };
  });
  const namespacesDeleted = changed.plan
    .filter(({ step }) => step === 'netns.delete')
    .map(({ subject }) => subject);
  return { ...changed, created: false, endpoints: removed, hook: '', namespacesDeleted };
}

/** What says that there is no such namespace, and not that it could not be looked for. */
const GONE: ReadonlySet<string> = new Set(['NETNS_NOT_FOUND', 'NETNS_NOT_A_NETNS']);

/** The same namespace may be named in another way than when it was attached, or be gone. */
function cookieOf(ref: string): string | undefined {
  try {
    return withNetnsRef(ref, ({ cookie }) => String(cookie));
  } catch (error) {
    if (error instanceof DpctlError && GONE.has(error.code)) return undefined;
    throw error;
  }
}
