/** Edits of static MACs: MACs behind an endpoint that are not its own and never learned. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { canonicalMac, parseMac } from '../address/mac.js';
import { endpointLabel, requireEndpoint, requireNetwork } from '../state/lookup.js';
import type { State, StaticFdb } from '../state/state.js';

/** A state after an edit of a static MAC. */
export interface StaticFdbEdit {
  readonly state: State;
  readonly entry: StaticFdb;
  readonly changed: boolean;
}

/**
 * Add a static MAC behind an endpoint; one that is elsewhere on the network moves.
 * @throws DpctlError, exit 3: NETWORK_NOT_FOUND, ENDPOINT_NOT_FOUND; exit 1: MAC_INVALID, MAC_MULTICAST,
 *   MAC_ZERO, MAC_IN_USE (it is the own MAC of an endpoint), NETWORK_MISMATCH
 */
export function addStaticFdb(state: State, request: StaticFdb): StaticFdbEdit {
  const network = requireNetwork(state, request.network);
  const endpoint = requireEndpoint(state, request.endpoint);
  const mac = parseMac(request.mac);
  if (endpoint.network !== network.name) {
    throw new DpctlError(
      'NETWORK_MISMATCH',
      `${endpointLabel(endpoint)} is on network ${endpoint.network}, not ${network.name}`,
      {
        exitCode: 1,
        hint: run`fdb add ${mac} ${endpoint.namespace.ref} --network ${endpoint.network}`,
        details: { mac, network: network.name, ns: endpoint.namespace.ref },
      },
    );
  }
  const holder = state.endpoints.find((each) => each.network === network.name && each.mac === mac);
  if (holder !== undefined) {
    throw new DpctlError('MAC_IN_USE', `${mac} is the MAC of ${endpointLabel(holder)}`, {
      exitCode: 1,
      hint: advice`the MAC of an endpoint needs no static entry: ${run`dump fdb`} shows it`,
      details: { mac, network: network.name, holder: holder.namespace.ref },
    });
  }
  const entry: StaticFdb = { network: network.name, mac, endpoint: endpoint.id };
  const old = state.staticFdb.find((each) => isAt(each, network.name, mac));
  if (old !== undefined && old.endpoint === entry.endpoint) {
    return { state, entry: old, changed: false };
  }
  const staticFdb = state.staticFdb.filter((each) => each !== old);
  staticFdb.push(entry);
  staticFdb.sort((a, b) => compareText(a.network, b.network) || compareText(a.mac, b.mac));
  const remoteFdb = state.remoteFdb.filter(
    (each) => !(each.network === network.name && each.mac === mac),
  );
  const moved = remoteFdb.length === state.remoteFdb.length ? {} : { remoteFdb };
  return { state: { ...state, staticFdb, ...moved }, entry, changed: true };
}

/**
 * A state without a static MAC; a missing one gives the same state.
 * @throws DpctlError MAC_INVALID, exit 1
 */
export function deleteStaticFdb(state: State, request: Omit<StaticFdb, 'endpoint'>): State {
  const mac = canonicalMac(request.mac);
  const staticFdb = state.staticFdb.filter((each) => !isAt(each, request.network, mac));
  return staticFdb.length === state.staticFdb.length ? state : { ...state, staticFdb };
}

function isAt(entry: StaticFdb, network: string, mac: string): boolean {
  return entry.mac === mac && entry.network === network;
}

/** Compare by code units: the order must not depend on the user's locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
