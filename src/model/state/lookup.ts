/** Find things in a state by the names that users give them, with the errors for missing ones. */

import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import { isGateway, networkOf } from '../desired/desired.js';
import type { Endpoint, NamespaceRef, Network, State } from './state.js';

/** Default name of the interface inside a namespace. */
export const IFNAME_DEFAULT = 'eth0';
/** Name of the default network. */
export const NETWORK_DEFAULT = 'default';

/**
 * Find a network by name.
 * @throws DpctlError NETWORK_NOT_FOUND, exit 3
 */
export function requireNetwork(state: State, name: string): Network {
  const network = networkOf(state, name);
  if (network !== undefined) return network;
  const known = state.networks.map((each) => each.name);
  const list = known.length === 0 ? 'there are none' : `there is ${listText(known)}`;
  throw new DpctlError('NETWORK_NOT_FOUND', `no network ${name}: ${list}`, {
    exitCode: 3,
    hint: run`network add ${name}`,
    details: { network: name, networks: known },
  });
}

/**
 * Find an endpoint by number.
 * @throws DpctlError ENDPOINT_NOT_FOUND, exit 3
 */
export function requireEndpoint(state: State, id: number): Endpoint {
  const endpoint = state.endpoints.find((each) => each.id === id);
  if (endpoint !== undefined) return endpoint;
  throw new DpctlError('ENDPOINT_NOT_FOUND', `no endpoint has the number ${id}`, {
    exitCode: 3,
    hint: run`endpoints`,
    details: { id },
  });
}

/** The criteria of {@link findEndpoints}: fields that are left out match everything. */
export interface EndpointFilter {
  /** Namespace as the user named it in the attach. */
  readonly ref?: string | undefined;
  /**
   * Cookie of the namespace; an empty one matches nothing. If `ref` is given as well, one of the two is
   * enough.
   */
  readonly cookie?: string | undefined;
  readonly ifname?: string | undefined;
  readonly network?: string | undefined;
}

/** The endpoints that match, sorted by number. The host's own ports never match. */
export function findEndpoints(state: State, filter: EndpointFilter): Endpoint[] {
  const { ref, cookie, ifname, network } = filter;
  return state.endpoints.filter(
    (endpoint) =>
      !isGateway(endpoint) &&
      ((ref === undefined && cookie === undefined) ||
        endpoint.namespace.ref === ref ||
        (cookie !== '' && endpoint.namespace.cookie === cookie)) &&
      (ifname === undefined || endpoint.ifname === ifname) &&
      (network === undefined || endpoint.network === network),
  );
}

/** The endpoint of a namespace and an interface inside, if there is one. */
export function endpointAt(
  state: State,
  namespace: NamespaceRef,
  ifname: string,
): Endpoint | undefined {
  return state.endpoints.find(
    (each) => each.ifname === ifname && sameNamespace(each.namespace, namespace),
  );
}

/** By cookie; a namespace that is still to be made has an empty cookie and only a path. */
function sameNamespace(a: NamespaceRef, b: NamespaceRef): boolean {
  if (a.cookie !== '' && b.cookie !== '') return a.cookie === b.cookie;
  return a.kind !== 'node' && b.kind !== 'node' && a.path === b.path;
}

/** Whether a missing namespace is still to be made: the command that makes it has not ended. */
export function isPending({ cookie, pending }: NamespaceRef): boolean {
  return cookie === '' || pending === true;
}

/** How messages name an endpoint: its namespace, and its interface if that is not eth0. */
export function endpointLabel(
  endpoint: Pick<Endpoint, 'namespace' | 'ifname' | 'network'>,
): string {
  if (endpoint.namespace.kind === 'node') return `the gateway of network ${endpoint.network}`;
  const { ref } = endpoint.namespace;
  return endpoint.ifname === IFNAME_DEFAULT
    ? `endpoint ${ref}`
    : `endpoint ${ref} (${endpoint.ifname})`;
}

/** A few of the names for a message: the error's details hold all of them. */
export function listText(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
