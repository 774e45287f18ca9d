/** Attaching: the edit that makes an endpoint, or changes settings of an existing one. */

import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { advice, type Hint, type RunPart, run } from '../../../loader/hint.js';
import { ENDPOINT_MAX, FLOOD_PORT_MAX } from '../../contract/generated.js';
import { formatPrefix, parsePrefix } from '../address/prefix.js';
import { lowestFree } from '../network/ipam.js';
import { checkDerived } from '../network/own-prefix.js';
import {
  endpointAt,
  endpointLabel,
  IFNAME_DEFAULT,
  NETWORK_DEFAULT,
  requireNetwork,
} from '../state/lookup.js';
import { checkIfname, checkMtu } from '../state/names.js';
import type { Endpoint, NamespaceRef, State } from '../state/state.js';
import { chooseAddress, type Seeker, splitAddresses } from './addresses.js';
import { chooseDriver, type DriverRequest } from './driver.js';
import { putEndpoint } from './edits.js';
import { editLabels } from './labels.js';
import { chooseMac } from './mac.js';

/** A request for an endpoint. A field that is left out (or an empty list) keeps its present value. */
export interface EndpointRequest extends DriverRequest {
  readonly namespace: NamespaceRef;
  /** Name of the interface inside; eth0 by default. */
  readonly ifname?: string | undefined;
  readonly network?: string | undefined;
  /** At most one IPv4 and one IPv6 address, with or without /LENGTH. */
  readonly ips?: readonly string[] | undefined;
  readonly mac?: string | undefined;
  /** Bytes of layer 3; `auto`: follows the underlay. */
  readonly mtu?: number | 'auto' | undefined;
  readonly isolated?: boolean | undefined;
  /** Default true. */
  readonly lock?: boolean | undefined;
  /** false: remove all. */
  readonly allowPrefixes?: readonly string[] | false | undefined;
  /** `KEY=VALUE` sets a label, `KEY-` removes it. */
  readonly labels?: readonly string[] | undefined;
  /** Defaults to a person; an existing endpoint keeps its owner. */
  readonly owner?: Endpoint['owner'];
  /** Number of the host end. Used only for a new endpoint, as are the following fields. */
  readonly ifindex: number;
  /** Name of the host end of a veth that is adopted. */
  readonly hostIfname?: string | undefined;
  readonly adopted?: Endpoint['adopted'];
  readonly raisedLoopback?: boolean | undefined;
  /** Bytes of layer 3 if no MTU is requested. */
  readonly defaultMtu: number;
  /** If no MTU is requested, it follows the underlay's. */
  readonly mtuFollows?: boolean | undefined;
  /** Addresses of endpoints of other nodes, which are not chosen. */
  readonly taken?: readonly string[] | undefined;
  /** Prefixes from which addresses are chosen instead of the network's ranges. */
  readonly within?: readonly string[] | undefined;
  /** Text that no other node has: keeps generated MACs of several nodes apart. */
  readonly macSeed?: string | undefined;
}

/** A state after an edit of an endpoint. */
export interface EndpointEdit {
  readonly state: State;
  readonly endpoint: Endpoint;
  readonly changed: boolean;
}

/**
 * Attach, by namespace and interface: a new endpoint, or new settings for an existing one (one that is being
 * detached comes back). A new or changed endpoint is `attaching` until the command is done.
 * @throws DpctlError, exit 3: NETWORK_NOT_FOUND; exit 1: ENDPOINT_EXISTS (it is on another network),
 *   DRIVER_DIFFERS, IFNAME_INVALID, MTU_OUT_OF_RANGE, ENDPOINT_LIMIT, NETWORK_FULL, INTERFACE_IN_USE,
 *   LABEL_INVALID, those of endpoint/addresses.ts, and of parsePrefix for `allowPrefixes`
 */
export function addEndpoint(state: State, request: EndpointRequest): EndpointEdit {
  const ifname = checkIfname(request.ifname ?? IFNAME_DEFAULT);
  const self = endpointAt(state, request.namespace, ifname);
  const name = request.network ?? self?.network ?? NETWORK_DEFAULT;
  if (self !== undefined && self.network !== name) throw existsElsewhere(self, name);
  const network = requireNetwork(state, name);
  const command = attachCommand(request, ifname, name);
  const { taken: elsewhere = [], within } = request;
  const seeker: Seeker = { state, network, self, command, elsewhere, within };

  const asked = splitAddresses(request.ips ?? [], command);
  const ip4 = chooseAddress(seeker, 4, asked[4]);
  const ip6 = chooseAddress(seeker, 6, asked[6], ip4);
  const adopts = (self ?? request).adopted !== undefined;
  const driver = chooseDriver(request, { self, adopts, namespace: request.namespace, ifname });
  const fixed = self ?? newParts(state, request, name);
  const { cookie, path } = request.namespace;
  const seed = [request.macSeed ?? '', cookie, path, ifname, fixed.id].join(' ');
  const asks = request.mtu === 'auto' ? undefined : request.mtu;
  const followed = self === undefined ? request.mtuFollows : self.mtuFollows;
  const follows = request.mtu === 'auto' || (asks === undefined && followed === true);
  const labels = editLabels(self?.labels, request.labels ?? [], command);
  // An endpoint that was being detached gets the owner of this request.
  const owner = self === undefined || self.phase === 'detaching' ? request.owner : self.owner;
  const endpoint: Endpoint = {
    id: fixed.id,
    ...(self?.root === undefined ? {} : { root: self.root }),
    namespace: knownNamespace(self?.namespace, request.namespace),
    ifname,
    hostIfname: fixed.hostIfname,
    ifindex: fixed.ifindex,
    ...(driver === 'veth' ? {} : { driver }),
    network: name,
    slot: fixed.slot,
    mac: chooseMac(seeker, request.mac, ip4, seed),
    ...(ip4 === undefined ? {} : { ip4 }),
    ...(ip6 === undefined ? {} : { ip6 }),
    mtu: checkMtu(asks ?? self?.mtu ?? request.defaultMtu, ip6 !== undefined),
    ...(follows ? { mtuFollows: true } : {}),
    isolated: request.isolated ?? self?.isolated ?? false,
    lock: request.lock ?? self?.lock ?? true,
    allowPrefixes: choosePrefixes(request.allowPrefixes, self, command),
    ...(owner === undefined ? {} : { owner }),
    ...(labels === undefined ? {} : { labels }),
    ...(fixed.adopted === undefined ? {} : { adopted: fixed.adopted }),
    raisedLoopback: fixed.raisedLoopback ?? false,
    phase: self?.phase ?? 'attaching',
  };
  checkDerived(network, endpoint, command);
  if (self !== undefined && self.phase !== 'detaching' && isDeepStrictEqual(self, endpoint)) {
    return { state, endpoint: self, changed: false };
  }
  const changed: Endpoint = { ...endpoint, phase: 'attaching' };
  return { state: putEndpoint(state, changed), endpoint: changed, changed: true };
}

/** The reference of the first attach stays, and gets the cookie once there is one. */
function knownNamespace(old: NamespaceRef | undefined, asked: NamespaceRef): NamespaceRef {
  if (old === undefined) return asked;
  return old.cookie === '' ? { ...old, cookie: asked.cookie } : old;
}

/**
 * The lowest free endpoint number, and the lowest free slot in a network's flood list.
 * @throws DpctlError ENDPOINT_LIMIT or NETWORK_FULL, exit 1
 */
export function freeNumbers(state: State, network: string): { id: number; slot: number } {
  const hint = advice`detach one that is not needed: ${run`endpoints`}, ${run`detach NS`}`;
  const ids = state.endpoints.map((each) => each.id);
  const id = lowestFree(ids, 1, ENDPOINT_MAX - 1);
  if (id === undefined) {
    const max = ENDPOINT_MAX - 1;
    throw new DpctlError('ENDPOINT_LIMIT', `a node has at most ${max} endpoints`, {
      exitCode: 1,
      hint,
      details: { max },
    });
  }
  const members = state.endpoints.filter((each) => each.network === network);
  const slots = members.map((each) => each.slot);
  const slot = lowestFree(slots, 0, FLOOD_PORT_MAX - 1);
  if (slot === undefined) {
    throw new DpctlError(
      'NETWORK_FULL',
      `network ${network} has ${FLOOD_PORT_MAX} endpoints, the most that a broadcast reaches`,
      { exitCode: 1, hint, details: { network, max: FLOOD_PORT_MAX } },
    );
  }
  return { id, slot };
}

/** Fields that are chosen once and never change: numbers, device names, former settings. */
type FixedParts = Pick<Endpoint, 'id' | 'slot' | 'hostIfname' | 'ifindex' | 'adopted'> &
  Pick<EndpointRequest, 'raisedLoopback'>;

function newParts(state: State, request: EndpointRequest, network: string): FixedParts {
  const { id, slot } = freeNumbers(state, network);
  const { ifindex, adopted, raisedLoopback } = request;
  const hostIfname = request.hostIfname ?? `dp${id.toString(16).padStart(6, '0')}`;
  const holder = state.endpoints.find(
    (each) => each.ifindex === ifindex || each.hostIfname === hostIfname,
  );
  if (holder !== undefined) {
    throw new DpctlError(
      'INTERFACE_IN_USE',
      `interface ${holder.hostIfname} (ifindex ${holder.ifindex}) belongs to ${endpointLabel(holder)}`,
      {
        exitCode: 1,
        hint: advice`${run`reconcile`}, if that endpoint lost its interface; else choose another interface`,
        details: { ifindex, hostIfname, holder: holder.namespace.ref },
      },
    );
  }
  return { id, slot, hostIfname, ifindex, adopted, raisedLoopback };
}

/** Canonical, unique and sorted, so that the order of flags does not count as a change. */
function choosePrefixes(
  asked: readonly string[] | false | undefined,
  self: Endpoint | undefined,
  command: RunPart,
): string[] {
  if (asked === false) return [];
  if (asked === undefined || asked.length === 0) return self?.allowPrefixes ?? [];
  const remedy = (meant: string): Hint => run`${command.run} --allow-prefix ${meant}`;
  const prefixes = asked.map((text) => formatPrefix(parsePrefix(text, remedy)));
  return [...new Set(prefixes)].sort();
}

function attachCommand({ namespace }: EndpointRequest, ifname: string, network: string): RunPart {
  const words = ['attach', namespace.ref];
  if (network !== NETWORK_DEFAULT) words.push('--network', network);
  if (ifname !== IFNAME_DEFAULT) words.push('--ifname', ifname);
  return { run: words };
}

function existsElsewhere(self: Endpoint, network: string): DpctlError {
  const { ref } = self.namespace;
  return new DpctlError(
    'ENDPOINT_EXISTS',
    `${endpointLabel(self)} is already on network ${self.network}`,
    {
      exitCode: 1,
      hint: advice`${run`detach ${ref}`}, or ${run`attach ${ref} --network ${network} --ifname NAME`} for a second interface`,
      details: { ns: ref, ifname: self.ifname, network: self.network },
    },
  );
}
