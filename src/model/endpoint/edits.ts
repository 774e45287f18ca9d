/** Small edits of existing endpoints. Each returns the same state if nothing changes. */

import { requireEndpoint } from '../state/lookup.js';
import type { Endpoint, NamespaceRef, State } from '../state/state.js';

/** A state with an endpoint in place of the one with the same number; endpoints are sorted by number. */
export function putEndpoint(state: State, endpoint: Endpoint): State {
  const endpoints = state.endpoints.filter((each) => each.id !== endpoint.id);
  endpoints.push(endpoint);
  return { ...state, endpoints: endpoints.sort((a, b) => a.id - b.id) };
}

/**
 * Move an endpoint to another phase: `ready` when a command is done with it.
 * @throws DpctlError ENDPOINT_NOT_FOUND, exit 3
 */
export function withPhase(state: State, id: number, phase: Endpoint['phase']): State {
  const endpoint = requireEndpoint(state, id);
  return endpoint.phase === phase ? state : putEndpoint(state, { ...endpoint, phase });
}

/**
 * Mark an endpoint as being detached: it keeps its numbers and addresses until it is gone completely.
 * @throws DpctlError ENDPOINT_NOT_FOUND, exit 3
 */
export function markDetaching(state: State, id: number): State {
  return withPhase(state, id, 'detaching');
}

/** A state without an endpoint and the static MACs behind it. A missing endpoint is no error. */
export function removeEndpoint(state: State, id: number): State {
  if (!state.endpoints.some((each) => each.id === id)) return state;
  return {
    ...state,
    endpoints: state.endpoints.filter((each) => each.id !== id),
    staticFdb: state.staticFdb.filter((each) => each.endpoint !== id),
  };
}

/**
 * Record that an endpoint's host end was made again under another number.
 * @throws DpctlError ENDPOINT_NOT_FOUND, exit 3
 */
export function renumber(state: State, id: number, ifindex: number): State {
  const endpoint = requireEndpoint(state, id);
  return endpoint.ifindex === ifindex ? state : putEndpoint(state, { ...endpoint, ifindex });
}

/**
 * A state in which all endpoints of a namespace share one reference: the process or file in their old
 * references may be gone.
 * @returns the state, and the numbers of the endpoints that changed
 */
export function renewNamespace(
  state: State,
  namespace: NamespaceRef,
): { readonly state: State; readonly ids: readonly number[] } {
  const ids = state.endpoints
    .filter(({ namespace: { kind, cookie, path } }) => {
      const same = kind !== 'node' && cookie !== '' && cookie === namespace.cookie;
      return same && path !== namespace.path;
    })
    .map(({ id }) => id);
  const renewed = ids.reduce(
    (edited, id) => putEndpoint(edited, { ...requireEndpoint(edited, id), namespace }),
    state,
  );
  return { state: renewed, ids };
}
