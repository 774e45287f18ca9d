/** attach: give a namespace an endpoint on a network. */

import type { ChangeOptions } from '../../api/change.js';
import type { AttachRequest, EndpointChange } from '../../api/endpoint.js';
import { hookOf } from '../../datapath/hook.js';
import { bootId } from '../../linux/process.js';
import { addEndpoint } from '../../model/endpoint/attach.js';
import { renewNamespace } from '../../model/endpoint/edits.js';
import { ensureDefaultNetwork } from '../../model/network/networks.js';
import { defaultMtu } from '../../model/overlay/mtu.js';
import { endpointAt, IFNAME_DEFAULT, NETWORK_DEFAULT } from '../../model/state/lookup.js';
import { checkIfname } from '../../model/state/names.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { change, type Edited } from '../change/change.js';
import { freeIfindex } from '../change/derive-state.js';
import { type Choice, withTaken } from '../cluster/taken.js';
import { hostPins, type Node } from '../node/node.js';
import { attachNotes } from './attach-notes.js';
import { driverRequest } from './driver.js';
import { resolveTarget } from './resolve-namespace.js';
import { endpointRows } from './state-rows.js';

/**
 * Attach a namespace to a network: make its device (or adopt the one it has), assign addresses, and attach
 * the datapath to the host end. Attaching again changes only the settings that differ.
 * @throws DpctlError NETNS_*, NETWORK_NOT_FOUND, ADDRESS_IN_USE, MAC_IN_USE, SUBNET_FULL, INTERFACE_EXISTS,
 *   NETKIT_MISSING ...; then nothing was changed
 */
export async function attach(
  node: Node,
  request: AttachRequest,
  options: ChangeOptions = {},
): Promise<EndpointChange> {
  const ifname = checkIfname(request.ifname ?? IFNAME_DEFAULT);
  const changed = await withTaken(node, request, (choice) =>
    change(node, options, (alive, dead) =>
      attachEdit(node, { alive, dead, choice }, request, ifname),
    ),
  );
  const { state, result } = changed;
  const endpoint = state.endpoints.find(({ id }) => id === result.id);
  const found = { state, endpoint, ...result, changed: changed.changed };
  return {
    ...changed,
    notes: [...changed.notes, ...attachNotes(node, request, found)],
    created: result.created,
    endpoints: endpointRows(state, ({ id }) => id === result.id),
    hook: changed.hook ?? (options.dryRun ? '' : attachedHook(node, endpoint)),
  };
}

/** The input of an attach: dead endpoints are no longer in the state. */
interface Found {
  readonly alive: State;
  readonly dead: readonly Endpoint[];
  readonly choice: Choice;
}

/** For the caller's report: the endpoint's number, and the dead endpoints that were removed with it. */
interface Attached {
  readonly id: number;
  readonly created: boolean;
  readonly dead: readonly Endpoint[];
}

function attachEdit(
  node: Node,
  { alive, dead, choice }: Found,
  request: AttachRequest,
  ifname: string,
): Edited<Attached> {
  const target = resolveTarget(node, alive, request, ifname);
  const { adopted } = target;
  // An existing endpoint stays on its network if the request names none.
  const joins = endpointAt(alive, target.namespace, ifname) === undefined;
  const state =
    joins && (request.network ?? NETWORK_DEFAULT) === NETWORK_DEFAULT
      ? ensureDefaultNetwork(alive).state
      : alive;
  const renewed = renewNamespace(state, target.namespace);
  const { state: edited, endpoint } = addEndpoint(renewed.state, {
    namespace: target.namespace,
    ifname,
    network: request.network,
    ips: request.ips?.length ? request.ips : oneOfEachFamily(adopted?.addresses),
    mac: request.mac ?? adopted?.settings.mac,
    mtu: request.mtu,
    isolated: request.isolated,
    lock: request.lock,
    allowPrefixes: request.allowPrefixes,
    labels: request.labels,
    owner: request.owner,
    ...driverRequest(node, request),
    ifindex: adopted?.ifindex ?? freeIfindex(node, [{ ...alive, endpoints: dead }, state]),
    hostIfname: adopted?.hostIfname,
    adopted: adopted?.settings,
    raisedLoopback: target.loopbackDown,
    defaultMtu: adopted?.settings.mtu ?? defaultMtu(state),
    mtuFollows: adopted === undefined,
    ...choice,
    macSeed: `${bootId()}${node.paths.root}`,
  });
  const { id } = endpoint;
  return {
    state: edited,
    scope: {
      endpoints: new Set([id, ...renewed.ids]),
      networks: new Set([endpoint.network]),
    },
    about: new Set([id]),
    filterFirst: request.fast,
    result: { id, created: !alive.endpoints.some((each) => each.id === id), dead },
  };
}

/** How an earlier command attached the program of an endpoint; empty if it is not attached. */
function attachedHook(node: Node, endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) return '';
  return hookOf(hostPins(node), node.netnsFd(), endpoint.id, endpoint.ifindex)?.hook ?? '';
}

/** The addresses of an adopted interface that become the endpoint's. */
function oneOfEachFamily(addresses: readonly string[] = []): string[] {
  const ip4 = addresses.find((address) => !address.includes(':'));
  const ip6 = addresses.find((address) => address.includes(':'));
  return [ip4, ip6].filter((address) => address !== undefined);
}
