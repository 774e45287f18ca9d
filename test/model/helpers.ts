/** Shared by the tests of edits. */
import { DpctlError } from '../../loader/errors.js';
import {
  addEndpoint,
  type EndpointEdit,
  type EndpointRequest,
} from '../../src/model/endpoint/attach.js';
import { addNetwork, type NetworkRequest } from '../../src/model/network/networks.js';
import { EMPTY_STATE, type State } from '../../src/model/state/state.js';
import { namespace } from './arbitraries.js';

/** A state with these networks. */
export function withNetworks(...requests: NetworkRequest[]): State {
  return requests.reduce((state, request) => addNetwork(state, request).state, EMPTY_STATE);
}

/** Attach namespace `n` with further options; its interface has number 100 + n. */
export function attach(
  state: State,
  n: number,
  request: Partial<EndpointRequest> = {},
): EndpointEdit {
  const base = { namespace: namespace(n), ifindex: 100 + n, defaultMtu: 1500 };
  return addEndpoint(state, { ...base, ...request });
}

/** The error of an edit; fails the test if the edit succeeds. */
export function refusal(edit: () => unknown): DpctlError {
  try {
    edit();
  } catch (error) {
    if (error instanceof DpctlError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
