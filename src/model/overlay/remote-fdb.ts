/** Edits of static MACs behind other nodes, with the addresses for which they are the answer. */

import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import { canonicalIp, familyOf, IP_BITS, parseIp } from '../address/ip.js';
import { canonicalMac, parseMac } from '../address/mac.js';
import { addressOf } from '../address/prefix.js';
import { reservedReason } from '../address/reserved.js';
import { compareText } from '../network/static-fdb.js';
import { endpointLabel, requireNetwork } from '../state/lookup.js';
import type { RemoteFdb, State } from '../state/state.js';
import { requireNode } from './remotes.js';

/** A MAC and its node. */
export interface RemoteFdbRequest {
  readonly network: string;
  readonly mac: string;
  /** Name of the node. */
  readonly node: string;
  /**
   * Addresses for which ARP and neighbour requests are answered with the MAC; none: keep the present ones.
   */
  readonly ips?: readonly string[] | undefined;
}

/** A state after an edit of such a MAC. */
export interface RemoteFdbEdit {
  readonly state: State;
  readonly entry: RemoteFdb;
  readonly changed: boolean;
}

/**
 * Add a static MAC behind another node; one that is elsewhere on the network moves.
 * @throws DpctlError, exit 3: NETWORK_NOT_FOUND, NODE_NOT_FOUND; exit 1: MAC_INVALID, MAC_MULTICAST,
 *   MAC_ZERO, MAC_IN_USE (it is the own MAC of an endpoint), ADDRESS_INVALID, ADDRESS_IN_USE
 */
export function addRemoteFdb(state: State, request: RemoteFdbRequest): RemoteFdbEdit {
  const network = requireNetwork(state, request.network);
  const node = requireNode(state, request.node);
  const mac = parseMac(request.mac);
  const holder = state.endpoints.find((each) => each.network === network.name && each.mac === mac);
  if (holder !== undefined) {
    throw new DpctlError('MAC_IN_USE', `${mac} is the MAC of ${endpointLabel(holder)}`, {
      exitCode: 1,
      hint: run`dump fdb`,
      details: { mac, network: network.name, holder: holder.namespace.ref },
    });
  }
  const old = state.remoteFdb.find((each) => isAt(each, network.name, mac));
  const asked = request.ips?.length ? request.ips : undefined;
  const ips = asked === undefined ? (old?.ips ?? []) : [...new Set(asked.map(checkIp))].sort();
  for (const ip of ips) refuseTaken(state, network.name, mac, ip);
  const entry: RemoteFdb = { network: network.name, mac, node: node.number, ips };
  if (old !== undefined && isDeepStrictEqual(old, entry)) {
    return { state, entry: old, changed: false };
  }
  const remoteFdb = state.remoteFdb.filter((each) => each !== old);
  remoteFdb.push(entry);
  remoteFdb.sort((a, b) => compareText(a.network, b.network) || compareText(a.mac, b.mac));
  const staticFdb = state.staticFdb.filter(
    (each) => !(each.network === network.name && each.mac === mac),
  );
  return {
    state: {
      ...state,
      remoteFdb,
      staticFdb: staticFdb.length === state.staticFdb.length ? state.staticFdb : staticFdb,
    },
    entry,
    changed: true,
  };
}

/**
 * A state without such a MAC; a missing one gives the same state.
 * @throws DpctlError MAC_INVALID, exit 1
 */
export function deleteRemoteFdb(state: State, request: Pick<RemoteFdb, 'network' | 'mac'>): State {
  const mac = canonicalMac(request.mac);
  const remoteFdb = state.remoteFdb.filter((each) => !isAt(each, request.network, mac));
  return remoteFdb.length === state.remoteFdb.length ? state : { ...state, remoteFdb };
}

function isAt(entry: RemoteFdb, network: string, mac: string): boolean {
  return entry.mac === mac && entry.network === network;
}

function checkIp(text: string): string {
  const ip = parseIp(text);
  const why = reservedReason({ ...ip, length: IP_BITS[ip.family] });
  if (why === undefined) return canonicalIp(text);
  throw new DpctlError('ADDRESS_INVALID', `${text} ${why}`, {
    exitCode: 1,
    hint: `--ip ${familyOf(text) === 4 ? '10.201.0.5' : 'fd00:c9::5'}`,
    details: { address: text },
  });
}

function refuseTaken(state: State, network: string, mac: string, ip: string): void {
  const remote = state.remoteFdb.find(
    (each) => each.network === network && each.mac !== mac && each.ips.includes(ip),
  );
  const endpoint = state.endpoints.find(
    ({ network: its, ip4, ip6 }) =>
      its === network && [ip4, ip6].some((text) => text !== undefined && addressOf(text) === ip),
  );
  if (remote === undefined && endpoint === undefined) return;
  const whose = endpoint === undefined ? `${remote?.mac}` : endpointLabel(endpoint);
  throw new DpctlError('ADDRESS_IN_USE', `${ip} belongs to ${whose}`, {
    exitCode: 1,
    hint: run`dump neigh`,
    details: { address: ip, network, holder: endpoint?.namespace.ref ?? remote?.mac ?? '' },
  });
}
