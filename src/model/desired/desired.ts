/**
 * From desired state to what the kernel must hold: table entries, devices, programs, rules. Pure; the same
 * state always gives the same bytes.
 */
import {
  ENDPOINT_ARRAY_SIZE,
  EndpointFlags,
  FdbFlags,
  NeighFlags,
  NetworkFlags,
} from '../../contract/generated.js';
import { ip4ToNumber, ipToBytes16 } from '../address/ip.js';
import { macToBytes } from '../address/mac.js';
import type { Driver, Endpoint, Network, State } from '../state/state.js';
import { replicaCount, underlaySysctls } from './overlay.js';
import { hasPrefixes, prefixEntries } from './prefixes.js';
import { type RawEntry, tableEntry } from './table-entry.js';

/** GSO and GRO size of endpoints on a BIG TCP network, in bytes: 192 KB. */
export const BIG_TCP_SIZE = 196_608;
/** Default GSO and GRO size of a device, in bytes (GSO_LEGACY_MAX_SIZE). */
export const LEGACY_GSO_SIZE = 65_536;
/** Maximum number of MACs learned behind one endpoint. */
export const LEARN_LIMIT = 1024;

/** An endpoint that must exist, together with its network. */
export interface Port {
  readonly endpoint: Endpoint;
  readonly network: Network;
  /** ADDRESS/LENGTH of the interface inside. */
  readonly addresses: readonly string[];
  /** Next hops of the default routes inside, at most one a family. */
  readonly gateways: readonly string[];
  /** GSO and GRO size of both ends, in bytes. */
  readonly gsoSize: number;
  /** Segments in a tunnel made inside the namespace may leave it whole: no other tunnel follows. */
  readonly wholeTunnels: boolean;
}

/** True for the host's own port of a network. */
export function isGateway(endpoint: Endpoint): boolean {
  return endpoint.namespace.kind === 'node';
}

/** The kind of an endpoint's device. */
export function driverOf({ driver }: Endpoint): Driver {
  return driver ?? 'veth';
}

/** The network of a state by name. */
export function networkOf(state: State, name: string): Network | undefined {
  return state.networks.find((network) => network.name === name);
}

/** Wanted endpoints (not those being detached), with their networks. */
export function wantedPorts(state: State): Port[] {
  const networks = new Map(state.networks.map((network) => [network.name, network]));
  const ports: Port[] = [];
  for (const endpoint of state.endpoints) {
    const network = networks.get(endpoint.network);
    if (endpoint.phase === 'detaching' || network === undefined) continue;
    ports.push({
      ...portOf(endpoint, network),
      wholeTunnels: state.resolvedUnderlay === undefined,
    });
  }
  return ports;
}

/** An endpoint with the settings of its network. */
export function portOf(endpoint: Endpoint, network: Network): Port {
  const addresses = [
    withLength(endpoint.ip4, network.subnet4),
    withLength(endpoint.ip6, network.subnet6),
  ];
  const { gateway } = network;
  const gateways = isGateway(endpoint)
    ? []
    : [
        endpoint.ip4 === undefined ? undefined : gateway?.ip4,
        endpoint.ip6 === undefined ? undefined : gateway?.ip6,
      ];
  return {
    endpoint,
    network,
    addresses: addresses.filter((address) => address !== undefined),
    gateways: gateways.filter((address) => address !== undefined),
    gsoSize: network.bigTcp ? BIG_TCP_SIZE : LEGACY_GSO_SIZE,
    wholeTunnels: true,
  };
}

/** An address without a length gets that of its network's subnet, or the full length. */
function withLength(address: string | undefined, subnet: string | undefined): string | undefined {
  if (address === undefined || address.includes('/')) return address;
  const length = subnet?.split('/')[1] ?? (address.includes(':') ? '128' : '32');
  return `${address}/${length}`;
}

/** The address of ADDRESS/LENGTH. */
export function bareAddress(address: string): string {
  return address.split('/')[0] ?? address;
}

/** The entry of a network. Its flood list extends to the highest slot in use. */
export function networkEntry(state: State, network: Network): RawEntry {
  let slots = 0;
  for (const endpoint of state.endpoints) {
    if (endpoint.network === network.name && endpoint.phase !== 'detaching') {
      slots = Math.max(slots, endpoint.slot + 1);
    }
  }
  return tableEntry('network', network.index, {
    vni: network.vni,
    ageing: network.ageing,
    flags:
      flag(network.gateway !== undefined, NetworkFlags.GATEWAY) |
      flag(network.floodUnknown === false, NetworkFlags.NO_FLOOD_UNKNOWN) |
      flag(network.learnNodes === false, NetworkFlags.NO_LEARN_NODES) |
      flag(hasPrefixes(state, network), NetworkFlags.PREFIXES),
    slots,
    replicas: replicaCount(state),
    groupForward: network.groupFwdMask ?? 0,
  });
}

/** The entries with which an endpoint may send: they are written before its program runs. */
export function sourceEntries({ endpoint, network }: Port): RawEntry[] {
  const ip4 = endpoint.ip4 === undefined ? undefined : bareAddress(endpoint.ip4);
  const ip6 = endpoint.ip6 === undefined ? undefined : bareAddress(endpoint.ip6);
  const prefixes = prefixEntries(endpoint);
  const value = {
    id: endpoint.id,
    network: network.index,
    flags:
      flag(endpoint.lock, EndpointFlags.LOCK) |
      flag(!endpoint.lock && !isGateway(endpoint), EndpointFlags.LEARN) |
      flag(endpoint.isolated, EndpointFlags.ISOLATED) |
      flag(isGateway(endpoint), EndpointFlags.GATEWAY) |
      flag(ip4 !== undefined, EndpointFlags.IP4) |
      flag(ip6 !== undefined, EndpointFlags.IP6) |
      flag(prefixes.length > 0, EndpointFlags.PREFIXES),
    learnMax: LEARN_LIMIT,
    mac: macToBytes(endpoint.mac),
    mtu: Math.min(endpoint.mtu, 65_535),
    ip4: ip4 === undefined ? 0 : ip4ToNumber(ip4),
    ip6: ip6 === undefined ? new Uint8Array(16) : ipToBytes16(ip6),
    slot: endpoint.slot,
  };
  const table = endpoint.ifindex < ENDPOINT_ARRAY_SIZE ? 'endpoint' : 'endpointx';
  return [...prefixes, tableEntry(table, endpoint.ifindex, value)];
}

/** The entries with which others reach an endpoint: they are written when it can receive. */
export function reachEntries({ endpoint, network }: Port): RawEntry[] {
  const { id, ifindex } = endpoint;
  const mac = macToBytes(endpoint.mac);
  const gateway = isGateway(endpoint);
  const entries: RawEntry[] = [
    tableEntry(
      'fdb',
      { vni: network.vni, mac },
      {
        ifindex,
        endpoint: id,
        node: 0,
        flags: FdbFlags.STATIC | FdbFlags.ENDPOINT | flag(gateway, FdbFlags.GATEWAY),
        lastSeen: 0n,
      },
    ),
  ];
  for (const address of [endpoint.ip4, endpoint.ip6]) {
    if (address === undefined) continue;
    entries.push(
      tableEntry(
        'neigh',
        { vni: network.vni, ip: ipToBytes16(bareAddress(address)) },
        {
          mac,
          flags: flag(gateway, NeighFlags.ROUTER),
          endpoint: id,
        },
      ),
    );
  }
  entries.push(
    tableEntry('port', { network: network.index, slot: endpoint.slot }, { ifindex, endpoint: id }),
  );
  return entries;
}

/** The entries of static MACs behind wanted endpoints. */
export function staticEntries(state: State): RawEntry[] {
  const ports = new Map(wantedPorts(state).map((port) => [port.endpoint.id, port]));
  const entries: RawEntry[] = [];
  for (const { mac, endpoint } of state.staticFdb) {
    const port = ports.get(endpoint);
    if (port === undefined) continue;
    entries.push(
      tableEntry(
        'fdb',
        { vni: port.network.vni, mac: macToBytes(mac) },
        {
          ifindex: port.endpoint.ifindex,
          endpoint,
          node: 0,
          flags: FdbFlags.STATIC | flag(isGateway(port.endpoint), FdbFlags.GATEWAY),
          lastSeen: 0n,
        },
      ),
    );
  }
  return entries;
}

function flag(condition: boolean, bit: number): number {
  return condition ? bit : 0;
}

/** Traffic from a subnet that leaves through another device than its gateway takes the host's address. */
export interface Masquerade {
  readonly network: string;
  readonly subnet: string;
  /** Name of the gateway's device. */
  readonly exceptIfname: string;
}

/** The masquerade rules that a state asks for. */
export function wantedMasquerades(state: State): Masquerade[] {
  const rules: Masquerade[] = [];
  for (const { endpoint, network } of wantedPorts(state)) {
    if (!isGateway(endpoint) || !network.masquerade) continue;
    for (const subnet of [network.subnet4, network.subnet6]) {
      if (subnet === undefined) continue;
      rules.push({ network: network.name, subnet, exceptIfname: endpoint.ifname });
    }
  }
  return rules;
}

/** The sysctls that gateways and the path to other nodes need: key -> value. */
export function wantedSysctls(state: State): Map<string, string> {
  const wanted = new Map<string, string>();
  for (const { gateway } of state.networks) {
    if (gateway?.ip4 !== undefined) wanted.set('net/ipv4/ip_forward', '1');
    if (gateway?.ip6 !== undefined) wanted.set('net/ipv6/conf/all/forwarding', '1');
  }
  for (const [key, value] of underlaySysctls(state)) wanted.set(key, value);
  return wanted;
}
