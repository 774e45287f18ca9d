/** Edits of the networks of a state. Each returns a new state, or the same one if nothing changes. */

import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { NETWORK_MAX } from '../../contract/generated.js';
import { isGateway, networkOf } from '../desired/desired.js';
import { checkNodePrefixes, withoutPrefixesOf } from '../overlay/node-prefixes.js';
import { checkReplication } from '../overlay/remotes.js';
import { findEndpoints, listText, NETWORK_DEFAULT } from '../state/lookup.js';
import {
  AGEING_DEFAULT,
  checkAgeing,
  checkGroupMask,
  checkNetworkName,
  checkVni,
  VNI_MAX,
} from '../state/names.js';
import type { Network, State } from '../state/state.js';
import { chooseGateway, chooseSubnets, refuseMeeting } from './addresses.js';
import { lowestFree } from './ipam.js';
import { checkAllDerived, chooseOwnPrefixes } from './own-prefix.js';
import { chooseRanges } from './ranges.js';

/** A request for a network. A field that is left out (or an empty list) keeps its present value. */
export interface NetworkRequest {
  readonly name: string;
  readonly vni?: number | undefined;
  /** At most one IPv4 and one IPv6 prefix. */
  readonly subnets?: readonly string[] | undefined;
  /** Parts of the subnets from which this node chooses addresses; the whole subnet removes the range. */
  readonly ranges?: readonly string[] | undefined;
  /** Prefixes of the subnets that this node owns; false: none any more. */
  readonly ownPrefixes?: readonly string[] | false | undefined;
  /** Seconds; 0: never. */
  readonly ageing?: number | undefined;
  /** true: the first address of each subnet; false: none; or the addresses. */
  readonly gateway?: boolean | readonly string[] | undefined;
  readonly masquerade?: boolean | undefined;
  readonly bigTcp?: boolean | undefined;
  /** Bits 3 to 15: see {@link checkGroupMask}. */
  readonly groupFwdMask?: number | undefined;
  /** Route to and from other networks that set this too, through the gateways. */
  readonly routeBetween?: boolean | undefined;
  /** false: frames to unknown MACs are dropped. */
  readonly floodUnknown?: boolean | undefined;
  /** false: MACs behind other nodes are not learned. */
  readonly learnNodes?: boolean | undefined;
}

/** A state after an edit of a network. */
export interface NetworkEdit {
  readonly state: State;
  readonly network: Network;
  readonly changed: boolean;
}

/**
 * Make a network, or change settings of an existing one.
 * @throws DpctlError, all exit 1: NETWORK_NAME_INVALID, VNI_OUT_OF_RANGE, VNI_IN_USE, AGEING_OUT_OF_RANGE,
 *   GROUP_MASK_INVALID, NETWORK_LIMIT, NETWORK_IN_USE (VNI or subnet of a network with endpoints),
 *   MASQUERADE_NEEDS_GATEWAY, REPLICATION_LIMIT, and those of network/addresses.ts and own-prefix.ts
 */
export function addNetwork(state: State, request: NetworkRequest): NetworkEdit {
  const old = networkOf(state, checkNetworkName(request.name));
  const base = old ?? newNetwork(state, request);
  const subnets = chooseSubnets(base, request.subnets ?? []);
  const gateway = chooseGateway(state, base, subnets, request.gateway);
  const ranges = chooseRanges(base, subnets, request.ranges ?? []);
  const own = chooseOwnPrefixes(base, subnets, request.ownPrefixes ?? []);
  const masquerade = request.masquerade ?? (request.gateway === false ? false : base.masquerade);
  const network: Network = {
    name: base.name,
    index: base.index,
    vni: request.vni === undefined ? base.vni : checkVni(request.vni),
    ...subnets,
    ...ranges,
    ...own,
    ageing: request.ageing === undefined ? base.ageing : checkAgeing(request.ageing),
    ...(gateway === undefined ? {} : { gateway }),
    masquerade,
    bigTcp: request.bigTcp ?? base.bigTcp,
    ...groupMaskOf(request.groupFwdMask ?? base.groupFwdMask ?? 0),
    ...((request.routeBetween ?? base.routeBetween) === true ? { routeBetween: true } : {}),
    ...((request.floodUnknown ?? base.floodUnknown) === false ? { floodUnknown: false } : {}),
    ...((request.learnNodes ?? base.learnNodes) === false ? { learnNodes: false } : {}),
  };
  if (old !== undefined && isDeepStrictEqual(old, network)) {
    return { state, network: old, changed: false };
  }
  checkVniFree(state, network);
  refuseMeeting(state, network);
  if (network.masquerade && network.gateway === undefined) throw needsGateway(network.name);
  if (old !== undefined) checkUnused(state, old, network);
  checkNodePrefixes(state, network);
  checkAllDerived(state, network);
  const others = state.networks.filter((each) => each.name !== network.name);
  const networks = [...others, network].sort((a, b) => a.index - b.index);
  checkReplication({ nodes: state.nodes, networks });
  return { state: { ...state, networks }, network, changed: true };
}

/** The network that the first attach makes: a request for {@link addNetwork}. */
export function defaultNetwork(): NetworkRequest {
  return { name: NETWORK_DEFAULT, subnets: ['10.201.0.0/16', 'fd00:c9::/64'] };
}

/**
 * Make the default network if it is missing; an existing one stays unchanged.
 * @throws DpctlError SUBNET_OVERLAP and the others of {@link addNetwork}, exit 1
 */
export function ensureDefaultNetwork(state: State): NetworkEdit {
  const network = networkOf(state, NETWORK_DEFAULT);
  if (network !== undefined) return { state, network, changed: false };
  return addNetwork(state, defaultNetwork());
}

/**
 * Delete a network, the host's own port on it and its static MACs. A missing network gives the same state.
 * @throws DpctlError NETWORK_IN_USE, exit 1, while endpoints are on it
 */
export function deleteNetwork(state: State, name: string): State {
  const network = networkOf(state, name);
  if (network === undefined) return state;
  refuseInUse(state, network, 'is in use');
  return {
    ...state,
    networks: state.networks.filter((each) => each.name !== name),
    endpoints: state.endpoints.filter((each) => !(isGateway(each) && each.network === name)),
    staticFdb: state.staticFdb.filter((each) => each.network !== name),
    remoteFdb: state.remoteFdb.filter((each) => each.network !== name),
    nodes: withoutPrefixesOf(state.nodes, name),
  };
}

function newNetwork(state: State, request: NetworkRequest): Network {
  const index = lowestFree(
    state.networks.map((each) => each.index),
    1,
    NETWORK_MAX - 1,
  );
  if (index === undefined) {
    throw new DpctlError('NETWORK_LIMIT', `a node has at most ${NETWORK_MAX - 1} networks`, {
      exitCode: 1,
      hint: advice`delete one that is not needed: ${run`network list`}, ${run`network del NAME`}`,
      details: { max: NETWORK_MAX - 1 },
    });
  }
  const vnis = state.networks.map((each) => each.vni);
  const vni = request.vni ?? lowestFree(vnis, 1, VNI_MAX) ?? VNI_MAX;
  const settings = { ageing: AGEING_DEFAULT, masquerade: false, bigTcp: false };
  return { name: request.name, index, vni, ...settings };
}

/** A mask of zeros is not stored: networks of an older dpctl have none. */
function groupMaskOf(mask: number): { groupFwdMask?: number } {
  return mask === 0 ? {} : { groupFwdMask: checkGroupMask(mask) };
}

function checkVniFree(state: State, { name, vni }: Network): void {
  const holder = state.networks.find((each) => each.vni === vni && each.name !== name);
  if (holder === undefined) return;
  const vnis = state.networks.map((each) => each.vni);
  const free = lowestFree(vnis, 1, VNI_MAX);
  throw new DpctlError('VNI_IN_USE', `VNI ${vni} belongs to network ${holder.name}`, {
    exitCode: 1,
    hint: run`network add ${name} --vni ${free ?? 'VNI'}`,
    details: { vni, network: holder.name, free },
  });
}

function checkUnused(state: State, old: Network, network: Network): void {
  if (old.vni !== network.vni) {
    refuseInUse(state, old, `keeps VNI ${old.vni} while it is in use`);
  }
  for (const key of ['subnet4', 'subnet6'] as const) {
    if (old[key] === network[key]) continue;
    refuseInUse(state, old, `keeps its subnet (${old[key] ?? 'none'}) while it is in use`);
  }
}

function refuseInUse(state: State, { name }: Network, what: string): void {
  const endpoints = findEndpoints(state, { network: name });
  const [first] = endpoints;
  if (first === undefined) return;
  const refs = [...new Set(endpoints.map((each) => each.namespace.ref))];
  throw new DpctlError('NETWORK_IN_USE', `network ${name} ${what} by ${listText(refs)}`, {
    exitCode: 1,
    hint: run`detach ${first.namespace.ref}`,
    details: { network: name, endpoints: refs },
  });
}

function needsGateway(name: string): DpctlError {
  return new DpctlError(
    'MASQUERADE_NEEDS_GATEWAY',
    `network ${name} has no gateway, so it has no traffic to masquerade`,
    {
      exitCode: 1,
      hint: run`network add ${name} --gateway --masquerade`,
      details: { network: name },
    },
  );
}
