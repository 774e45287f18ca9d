/** Notes for the user about an endpoint that was attached. */
import { advice, type Hint, run } from '../../../loader/hint.js';
import type { AttachRequest } from '../../api/endpoint.js';
import { foreignFilters } from '../../datapath/hook.js';
import { installedProgramId } from '../../datapath/install.js';
import { bareAddress, networkOf } from '../../model/desired/desired.js';
import { listText } from '../../model/state/lookup.js';
import type { Endpoint, Network, State } from '../../model/state/state.js';
import { hostPins, type Node } from '../node/node.js';
import { inheritedNotes } from './dead-namespaces.js';
import { driverNotes } from './driver.js';
import { endpointsNamed } from './find-by-name.js';

/** An endpoint after an attach. */
export interface AttachedEndpoint {
  readonly state: State;
  /** Undefined: its namespace vanished meanwhile. */
  readonly endpoint: Endpoint | undefined;
  readonly created: boolean;
  readonly changed: boolean;
  /** Dead endpoints that the same command removed. */
  readonly dead: readonly Endpoint[];
}

/** Notes on an attach, in the order in which they are printed. */
export function attachNotes(
  node: Node,
  request: AttachRequest,
  { state, endpoint, created, changed, dead }: AttachedEndpoint,
): Hint[] {
  if (endpoint === undefined) return created ? driverNotes(request, undefined) : [];
  const network = networkOf(state, endpoint.network);
  const notes = [
    ...inheritedNotes(endpoint, dead),
    ...(changed ? filterNotes(node, endpoint) : []),
  ];
  if (!created) return notes;
  return [
    ...notes,
    ...(network === undefined ? [] : addressNotes(state, endpoint, network, request.ips ?? [])),
    ...(network === undefined ? [] : secondNotes(state, endpoint, network)),
    ...formerNotes(node, state, request.ns),
    ...driverNotes(request, endpoint),
  ];
}

/**
 * A user who gave the name to another namespace may not know that the first one lives on and keeps its
 * endpoints.
 */
function formerNotes(node: Node, state: State, ns: string): Hint[] {
  const { former } = endpointsNamed(node, state, { ref: ns });
  const kept = former.map(({ ip4, ip6, mac }) => bareAddress(ip4 ?? ip6 ?? mac));
  if (kept.length === 0) return [];
  return [
    advice`${ns} used to be another namespace, which still exists and keeps ${listText(kept)}: ${run`detach ${ns}`} detaches the new one, and a second one the other`,
  ];
}

/** A host answers from its first interface on a subnet, whichever of its addresses was asked. */
function secondNotes({ endpoints }: State, endpoint: Endpoint, network: Network): string[] {
  const { id, ip4, ip6, ifname, namespace } = endpoint;
  const first = endpoints.find(
    (each) =>
      each.id !== id &&
      each.lock &&
      each.network === network.name &&
      each.namespace.cookie === namespace.cookie,
  );
  if (first === undefined) return [];
  const families = [
    { ip: 'ip', address: ip4, subnet: network.subnet4 },
    { ip: 'ip -6', address: ip6, subnet: network.subnet6 },
  ].flatMap(({ ip, address, subnet }) =>
    address === undefined || subnet === undefined
      ? []
      : [{ ip, address: bareAddress(address), subnet }],
  );
  if (families.length === 0) return [];
  const addresses = families.map(({ address }) => address).join(' and ');
  const commands = families.map(
    ({ ip, address, subnet }) =>
      `${ip} rule add from ${address} table ${100 + id}; ${ip} route add ${subnet} dev ${ifname} table ${100 + id}`,
  );
  return [
    `${namespace.ref} has ${first.ifname} on ${network.name} too: what it answers from ${addresses} leaves there, and the lock drops it; to change that, in ${namespace.ref}: ${commands.join('; ')}`,
  ];
}

/** Nodes do not tell each other which addresses they have assigned. */
function addressNotes(
  { nodes }: State,
  endpoint: Endpoint,
  network: Network,
  asked: readonly string[],
): Hint[] {
  if (nodes.length === 0) return [];
  const { name, subnet4, range4 = network.own4, subnet6, range6 = network.own6 } = network;
  const isChosen = (address: string | undefined, range: string | undefined, colon: boolean) =>
    address !== undefined &&
    range === undefined &&
    endpoint.adopted === undefined &&
    !asked.some((text) => text.includes(':') === colon);
  const chosen = [
    ...(subnet4 !== undefined && isChosen(endpoint.ip4, range4, false) ? [endpoint.ip4] : []),
    ...(subnet6 !== undefined && isChosen(endpoint.ip6, range6, true) ? [endpoint.ip6] : []),
  ].filter((address) => address !== undefined);
  if (chosen.length === 0) return [];
  return [
    advice`another node may assign the same address (${chosen.map(bareAddress).join(', ')}): ${run`network add ${name} --range PREFIX`}, with another prefix on each node`,
  ];
}

/** Warn about others' filters that see only the packets that the datapath leaves them. */
function filterNotes(node: Node, endpoint: Endpoint): string[] {
  if (endpoint.adopted === undefined) return [];
  const others = node.within(() =>
    foreignFilters(endpoint.ifindex, installedProgramId(hostPins(node))),
  );
  return others.map(
    ({ name, where }) =>
      `${endpoint.hostIfname} has a filter of another program (${name}, ${where}): ${
        where === 'clsact ingress'
          ? 'it does not see frames that dpctl forwards'
          : 'it runs beside dpctl, in the order of the list'
      }`,
  );
}
