/** Which endpoints a name, path or pid means: it may have come to another namespace since they were attached. */
import { DpctlError } from '../../loader/errors.js';
import { withNetnsRef } from '../kernel/netns.js';
import { findEndpoints } from '../model/edit.js';
import type { EndpointFilter } from '../model/lookup.js';
import type { Endpoint, State } from '../model/state.js';

/** Endpoints by a name. */
export interface Named {
  /** Of the namespace that has the name now, however it was named when it was attached. */
  readonly current: readonly Endpoint[];
  /** Attached under the name, in a namespace that has it no more or is gone. */
  readonly former: readonly Endpoint[];
  /** The name means a namespace that is there. */
  readonly exists: boolean;
}

/** @throws DpctlError NETNS_BAD_NAME, exit 1 */
export function endpointsNamed(
  state: State,
  { ref, ...rest }: EndpointFilter & { readonly ref: string },
): Named {
  const recorded = findEndpoints(state, { ref, ...rest });
  const cookie = cookieOf(ref);
  if (cookie === undefined) return { current: [], former: recorded, exists: false };
  // One that is still to be made has no identity yet, only its name.
  const pending = recorded.filter(({ namespace }) => namespace.cookie === '');
  return {
    current: [...findEndpoints(state, { cookie, ...rest }), ...pending],
    former: recorded.filter(({ namespace }) => !['', cookie].includes(namespace.cookie)),
    exists: true,
  };
}

/** What says that there is no such namespace, and not that it could not be looked for. */
const GONE: ReadonlySet<string> = new Set(['NETNS_NOT_FOUND', 'NETNS_NOT_A_NETNS']);

function cookieOf(ref: string): string | undefined {
  try {
    return withNetnsRef(ref, ({ cookie }) => String(cookie));
  } catch (error) {
    if (error instanceof DpctlError && GONE.has(error.code)) return undefined;
    throw error;
  }
}
