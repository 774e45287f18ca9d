/** attach: a namespace gets an endpoint on a network. */

import { advice, type Hint, run } from '../../../loader/hint.js';
import type { AttachRequest, ChangeOptions, EndpointChange } from '../../api/types.js';
import { foreignFilters, hookOf } from '../../datapath/hook.js';
import { installedProgramId } from '../../datapath/install.js';
import { bootId } from '../../linux/process.js';
import { bareAddress } from '../../model/desired/desired.js';
import { addEndpoint, endpointAt } from '../../model/endpoint/attach.js';
import { renewNamespace } from '../../model/endpoint/edits.js';
import { ensureDefaultNetwork } from '../../model/network/networks.js';
import { defaultMtu } from '../../model/overlay/mtu.js';
import { IFNAME_DEFAULT, NETWORK_DEFAULT } from '../../model/state/lookup.js';
import { checkIfname } from '../../model/state/names.js';
import type { Endpoint } from '../../model/state/state.js';
import { type Changed, change } from '../change/change.js';
import { freeIfindex } from '../change/derive-state.js';
import { hostPins, type Node } from '../node/node.js';
import { inheritedNotes } from './dead.js';
import { driverNotes, driverRequest } from './driver.js';
import { endpointRows } from './present.js';
import { resolveTarget } from './resolve-namespace.js';

/**
 * Attach a namespace to a network: make its device (or adopt the one it has), give it addresses,
 * and put the datapath on the host end. Attaching again changes what is asked differently.
 * @throws DpctlError NETNS_*, NETWORK_NOT_FOUND, ADDRESS_IN_USE, MAC_IN_USE, SUBNET_FULL,
 *   INTERFACE_EXISTS, NETKIT_MISSING ...; then nothing was changed
 */
export async function attach(
  node: Node,
  request: AttachRequest,
  options: ChangeOptions = {},
): Promise<EndpointChange> {
  const ifname = checkIfname(request.ifname ?? IFNAME_DEFAULT);
  let id = 0;
  let created = false;
  let gone: readonly Endpoint[] = [];
  const changed = await change(node, options, (alive, dead) => {
    gone = dead;
    const target = resolveTarget(node, alive, request, ifname);
    const { adopted } = target;
    // An endpoint that is there stays on its network where none is named.
    const joins = endpointAt(alive, target.namespace, ifname) === undefined;
    const state =
      joins && (request.network ?? NETWORK_DEFAULT) === NETWORK_DEFAULT
        ? ensureDefaultNetwork(alive).state
        : alive;
    const named = renewNamespace(state, target.namespace);
    const edited = addEndpoint(named.state, {
      namespace: target.namespace,
      ifname,
      network: request.network,
      ips: request.ips?.length ? request.ips : firstOfEachFamily(adopted?.addresses),
      mac: request.mac ?? adopted?.settings.mac,
      mtu: request.mtu,
      isolated: request.isolated,
      lock: request.lock,
      allowPrefixes: request.allowPrefixes,
      ...driverRequest(node, request),
      ifindex: adopted?.ifindex ?? freeIfindex(node, [{ ...alive, endpoints: dead }, state]),
      hostIfname: adopted?.hostIfname,
      adopted: adopted?.settings,
      raisedLoopback: target.loopbackDown,
      defaultMtu: adopted?.settings.mtu ?? defaultMtu(state),
      mtuFollows: adopted === undefined,
      macSeed: `${bootId()}${node.paths.root}`,
    });
    id = edited.endpoint.id;
    created = !alive.endpoints.some((endpoint) => endpoint.id === id);
    const networks = new Set([edited.endpoint.network]);
    return {
      state: edited.state,
      scope: { endpoints: new Set([id, ...named.ids]), networks },
      about: new Set([id]),
    };
  });
  const notes = [
    ...changed.notes,
    ...inheritedNotes(
      changed.state.endpoints.find((each) => each.id === id),
      gone,
    ),
    ...(changed.changed ? filterNotes(node, changed, id) : []),
    ...(created ? addressNotes(changed, id, request.ips ?? []) : []),
    ...(created ? secondNotes(changed, id) : []),
    ...(created
      ? driverNotes(
          request,
          changed.state.endpoints.find((each) => each.id === id),
        )
      : []),
  ];
  return {
    ...changed,
    notes,
    created,
    endpoints: endpointRows(changed.state, (endpoint) => endpoint.id === id),
    hook: changed.hook ?? (options.dryRun ? '' : attachedHook(node, changed, id)),
  };
}

/** How the program of an endpoint is attached since an earlier command; empty where it is not. */
function attachedHook(node: Node, { state }: Changed, id: number): string {
  const endpoint = state.endpoints.find((each) => each.id === id);
  if (endpoint === undefined) return '';
  return hookOf(hostPins(node), node.netnsFd(), id, endpoint.ifindex)?.hook ?? '';
}

/** Of the addresses that an adopted interface has, those that become the endpoint's. */
function firstOfEachFamily(addresses: readonly string[] = []): string[] {
  const ip4 = addresses.find((address) => !address.includes(':'));
  const ip6 = addresses.find((address) => address.includes(':'));
  return [ip4, ip6].filter((address) => address !== undefined);
}

/** A host answers by the first of its interfaces on a subnet, whichever of its addresses was asked. */
function secondNotes({ state }: Changed, id: number): string[] {
  const endpoint = state.endpoints.find((each) => each.id === id);
  const network = state.networks.find(({ name }) => name === endpoint?.network);
  const first = state.endpoints.find(
    (each) =>
      each.id !== id &&
      each.lock &&
      each.network === endpoint?.network &&
      each.namespace.cookie === endpoint.namespace.cookie,
  );
  if (endpoint === undefined || network === undefined || first === undefined) return [];
  const { ip4, ip6, ifname, namespace } = endpoint;
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

/** Nodes do not tell each other which addresses they have given away. */
function addressNotes({ state }: Changed, id: number, asked: readonly string[]): Hint[] {
  const endpoint = state.endpoints.find((each) => each.id === id);
  const network = state.networks.find(({ name }) => name === endpoint?.network);
  if (endpoint === undefined || network === undefined || state.nodes.length === 0) return [];
  const { name, subnet4, range4, subnet6, range6 } = network;
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
    advice`another node may give the same address away (${chosen.map(bareAddress).join(', ')}): ${run`network add ${name} --range PREFIX`}, another one on each node`,
  ];
}

/** Filters of others that see only what the datapath leaves them are worth a word. */
function filterNotes(node: Node, { state }: Changed, id: number): string[] {
  const endpoint = state.endpoints.find((each) => each.id === id);
  if (endpoint?.adopted === undefined) return [];
  const others = node.within(() =>
    foreignFilters(endpoint.ifindex, installedProgramId(hostPins(node))),
  );
  return others.map(
    ({ name, where }) =>
      `${endpoint.hostIfname} has a filter of somebody else's (${name}, ${where}): ${
        where === 'clsact ingress'
          ? 'it does not see frames that dpctl forwards'
          : 'it runs beside dpctl, in the order of the list'
      }`,
  );
}
