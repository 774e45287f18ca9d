/** Which endpoints a name, path or pid means: it may name another namespace than when they were attached. */
import { DpctlError } from '../../../loader/errors.js';
import { isByProcess, type NetnsRef, withNetnsRef } from '../../linux/netns.js';
import { type EndpointFilter, findEndpoints, listText } from '../../model/state/lookup.js';
import type { Endpoint, NamespaceRef, State } from '../../model/state/state.js';
import type { Node } from '../node/node.js';
import { withNamespace } from './namespace.js';

/** Endpoints that a name may mean. */
export interface Named {
  /** In the namespace that has the name now. */
  readonly current: readonly Endpoint[];
  /** Attached under the name, in a namespace that has lost it or is gone. */
  readonly former: readonly Endpoint[];
  /**
   * In the namespace that has the name now, attached under another name that is still valid: the user may
   * mean the namespace that had the name before, which may have no record any more.
   */
  readonly others: readonly Endpoint[];
  /** The name means an existing namespace. */
  readonly exists: boolean;
}

/** @throws DpctlError NETNS_BAD_NAME, exit 1 */
export function endpointsNamed(
  node: Node,
  state: State,
  { ref, ...rest }: EndpointFilter & { readonly ref: string },
): Named {
  const recorded = findEndpoints(state, { ref, ...rest });
  const ns = namespaceOf(ref);
  if (ns === undefined) return { current: [], former: recorded, others: [], exists: false };
  const { cookie } = ns;
  const found = findEndpoints(state, { cookie, ...rest });
  const others = found.filter(({ namespace }) => isOtherName(node, namespace, ref, ns));
  // A namespace that is still to be made has no cookie yet, only a name.
  const pending = recorded.filter(({ namespace }) => namespace.cookie === '');
  return {
    current: [...found.filter((each) => !others.includes(each)), ...pending],
    former: recorded.filter(({ namespace }) => !['', cookie].includes(namespace.cookie)),
    others,
    exists: true,
  };
}

/** A note for the user about endpoints that were not meant; '' if there is none. */
export function namedNote(ref: string, { current, former, others }: Named): string {
  const live = [...current.filter(({ namespace }) => namespace.ref !== ref), ...others];
  const refs = [...new Set(live.map(({ namespace }) => namespace.ref))];
  const stays = others.length === 0 ? '' : `, which stays attached as ${listText(refs)}`;
  if (former.length > 0) {
    return `${ref} is another namespace by now than the one that was attached${stays}`;
  }
  if (others.length === 0) return '';
  return `${ref} is in the namespace that is attached as ${listText(refs)}, which stays attached`;
}

/** Process ids are reused, and so are their names: only a namespace without a better name goes by one. */
function isOtherName(node: Node, recorded: NamespaceRef, ref: string, ns: Found): boolean {
  if (recorded.ref === ref || recorded.path === ns.path) return false;
  if (isByProcess(ns)) return true;
  return recorded.kind === 'name' && withNamespace(node, recorded, (fd) => fd !== undefined);
}

/** Errors that mean that there is no such namespace, not that the lookup failed. */
const GONE: ReadonlySet<string> = new Set(['NETNS_NOT_FOUND', 'NETNS_NOT_A_NETNS']);

type Found = Pick<NetnsRef, 'kind' | 'path'> & { readonly cookie: string };

function namespaceOf(ref: string): Found | undefined {
  try {
    return withNetnsRef(ref, ({ kind, path, cookie }) => ({ kind, path, cookie: String(cookie) }));
  } catch (error) {
    if (error instanceof DpctlError && GONE.has(error.code)) return undefined;
    throw error;
  }
}
