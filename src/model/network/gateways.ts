/** The host's own ports: one endpoint in the node's namespace for each network with a gateway. */
import { isDeepStrictEqual } from 'node:util';
import { lengthOf } from '../address/prefix.js';
import { isGateway } from '../desired/desired.js';
import { freeNumbers } from '../endpoint/attach.js';
import { putEndpoint, removeEndpoint } from '../endpoint/edits.js';
import { defaultMtu } from '../overlay/mtu.js';
import { MTU_MIN, MTU_MIN_IP6 } from '../state/names.js';
import type { Endpoint, NamespaceRef, Network, State } from '../state/state.js';
import { generateMac } from './ipam.js';

/** Names of both ends of the host's port on a network. */
function gatewayIfnames(network: Network): { ifname: string; hostIfname: string } {
  return { ifname: `dpg${network.index}`, hostIfname: `dpp${network.index}` };
}

/**
 * A state in which each network with a gateway has exactly one host port, with the gateway's addresses, and
 * no other network has one. Its MTU is the largest of the network: with a smaller one, the veth would
 * silently drop large frames instead of the host answering "fragmentation needed".
 * @param node the node's own namespace, of kind `node`
 * @param pickIfindex returns the number for the host end of a new port, by its name
 * @throws DpctlError ENDPOINT_LIMIT or NETWORK_FULL, exit 1
 */
export function withGateways(
  state: State,
  node: NamespaceRef,
  pickIfindex: (hostIfname: string) => number,
): State {
  let next = state;
  const ports = new Map<string, Endpoint>();
  for (const endpoint of state.endpoints.filter(isGateway)) {
    const network = state.networks.find((each) => each.name === endpoint.network);
    if (network?.gateway === undefined || ports.has(network.name)) {
      next = removeEndpoint(next, endpoint.id);
    } else {
      ports.set(network.name, endpoint);
    }
  }
  for (const network of state.networks) {
    if (network.gateway === undefined) continue;
    const old = ports.get(network.name);
    const port = gatewayPort(next, network, old, node, pickIfindex);
    // A changed port is unfinished, and so part of the command that changed it.
    if (!isDeepStrictEqual(old, port)) next = putEndpoint(next, { ...port, phase: 'attaching' });
  }
  return next;
}

function gatewayPort(
  state: State,
  network: Network,
  old: Endpoint | undefined,
  node: NamespaceRef,
  pickIfindex: (hostIfname: string) => number,
): Endpoint {
  const members = state.endpoints.filter((each) => each.network === network.name);
  const mtus = members
    .filter(({ id, phase }) => id !== old?.id && phase !== 'detaching')
    .map(({ mtu }) => mtu);
  const { id, slot } = old ?? freeNumbers(state, network.name);
  const ip4 = withLength(network.gateway?.ip4, network.subnet4);
  const ip6 = withLength(network.gateway?.ip6, network.subnet6);
  const { ifname, hostIfname } = gatewayIfnames(network);
  const statics = [...state.staticFdb, ...state.remoteFdb].filter(
    (each) => each.network === network.name,
  );
  const taken = new Set([...members, ...statics].map((each) => each.mac));
  return {
    id,
    ...(old?.root === undefined ? {} : { root: old.root }),
    slot,
    namespace: old?.namespace ?? node,
    ifname,
    hostIfname,
    ifindex: old?.ifindex ?? pickIfindex(hostIfname),
    network: network.name,
    mac: old?.mac ?? generateMac({ ip4, seed: `gateway/${network.name}/${ip6 ?? ''}` }, taken),
    ...(ip4 === undefined ? {} : { ip4 }),
    ...(ip6 === undefined ? {} : { ip6 }),
    mtu: Math.max(gatewayMtu(state, old), ip6 === undefined ? MTU_MIN : MTU_MIN_IP6, ...mtus),
    isolated: false,
    lock: false,
    allowPrefixes: [],
    raisedLoopback: false,
    phase: old?.phase === 'ready' ? 'ready' : 'attaching',
  };
}

/** The same rule as for endpoints: while the underlay cannot be used, the present MTU stays. */
function gatewayMtu(state: State, old: Endpoint | undefined): number {
  const waits = state.underlay !== undefined && state.resolvedUnderlay === undefined;
  return waits && old !== undefined ? old.mtu : defaultMtu(state);
}

function withLength(address: string | undefined, subnet: string | undefined): string | undefined {
  if (address === undefined || subnet === undefined) return undefined;
  return `${address}/${lengthOf(subnet)}`;
}
