/** Which endpoints a name, path or pid means: it may have come to another namespace since they were attached. */
import { DpctlError } from '../../../loader/errors.js';
import { isByProcess, type NetnsRef, withNetnsRef } from '../../linux/netns.js';
import { type EndpointFilter, findEndpoints, listText } from '../../model/state/lookup.js';
import type { Endpoint, NamespaceRef, State } from '../../model/state/state.js';
import type { Node } from '../node/node.js';
import { withNamespace } from './namespace.js';

/** Endpoints by a name. */
export interface Named {
  /** Of the namespace that the name means now. */
  readonly current: readonly Endpoint[];
  /** Attached under the name, in a namespace that has it no more or is gone. */
  readonly former: readonly Endpoint[];
  /**
   * Of the namespace that it means now, attached under another name that is still good: the user may
   * mean what had it before, of which there need be no record any more.
   */
  readonly others: readonly Endpoint[];
  /** The name means a namespace that is there. */
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
  // One that is still to be made has no identity yet, only its name.
  const pending = recorded.filter(({ namespace }) => namespace.cookie === '');
  return {
    current: [...found.filter((each) => !others.includes(each)), ...pending],
    former: recorded.filter(({ namespace }) => !['', cookie].includes(namespace.cookie)),
    others,
    exists: true,
  };
}

/** What people have to know of endpoints that were not meant; '' where there is nothing. */
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

/** Numbers of processes are used again, and so are names: only what has no better name goes by them. */
function isOtherName(node: Node, recorded: NamespaceRef, ref: string, ns: Found): boolean {
  if (recorded.ref === ref || recorded.path === ns.path) return false;
  if (isByProcess(ns)) return true;
  return recorded.kind === 'name' && withNamespace(node, recorded, (fd) => fd !== undefined);
}

/** What says that there is no such namespace, and not that it could not be looked for. */
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
