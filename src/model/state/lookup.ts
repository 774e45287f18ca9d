/** Finding things in a state by the names that people use, and the errors when they are not there. */

import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import { isGateway, networkOf } from '../desired/desired.js';
import type { Endpoint, NamespaceRef, Network, State } from './state.js';

/** Name of the interface inside a namespace when none is asked for. */
export const IFNAME_DEFAULT = 'eth0';
/** Name of the network when none is asked for. */
export const NETWORK_DEFAULT = 'default';

/**
 * The network of a name.
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
 * The endpoint of a number.
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

/** What {@link findEndpoints} looks for: fields that are left out match everything. */
export interface EndpointFilter {
  /** Namespace as the user named it when it was attached. */
  readonly ref?: string | undefined;
  /**
   * Identity of the namespace; an empty one matches nothing. Where `ref` is given as well, either
   * of them is enough.
   */
  readonly cookie?: string | undefined;
  readonly ifname?: string | undefined;
  readonly network?: string | undefined;
}

/** The endpoints that match, in the order of their numbers. The host's own ports never do. */
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

/** The endpoint of a namespace and of an interface inside, if there is one. */
export function endpointAt(
  state: State,
  namespace: NamespaceRef,
  ifname: string,
): Endpoint | undefined {
  return state.endpoints.find(
    (each) => each.ifname === ifname && sameNamespace(each.namespace, namespace),
  );
}

/** By identity; a namespace that is still to be made has none yet (an empty cookie), only a path. */
function sameNamespace(a: NamespaceRef, b: NamespaceRef): boolean {
  if (a.cookie !== '' && b.cookie !== '') return a.cookie === b.cookie;
  return a.kind !== 'node' && b.kind !== 'node' && a.path === b.path;
}

/** Whether a namespace that is not there is still to be made: the command that was to make it has not ended. */
export function isPending({ cookie, pending }: NamespaceRef): boolean {
  return cookie === '' || pending === true;
}

/** How messages name an endpoint: its namespace, and its interface where it is not eth0. */
export function endpointLabel(
  endpoint: Pick<Endpoint, 'namespace' | 'ifname' | 'network'>,
): string {
  if (endpoint.namespace.kind === 'node') return `the gateway of network ${endpoint.network}`;
  const { ref } = endpoint.namespace;
  return endpoint.ifname === IFNAME_DEFAULT
    ? `endpoint ${ref}`
    : `endpoint ${ref} (${endpoint.ifname})`;
}

/** A few names for a message: all of them are in the details. */
export function listText(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
