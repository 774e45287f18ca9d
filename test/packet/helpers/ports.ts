/** The ports and networks that every packet test starts from. */
import {
  ENDPOINT_ARRAY_SIZE,
  type Endpoint,
  EndpointFlags,
  type Network,
} from '../../../src/contract/generated.js';
import { ip, mac } from './frame.js';

/** Seconds after which the first network forgets a silent MAC. */
export const AGEING = 300;

/** Networks by their index in dp_network. Index 9 is unused: its network is gone. */
export const NETWORKS = {
  1: { vni: 100, ageing: AGEING, flags: 0, slots: 0, replicas: 0, groupForward: 0 },
  2: { vni: 200, ageing: AGEING, flags: 0, slots: 0, replicas: 0, groupForward: 0 },
  3: { vni: 300, ageing: AGEING, flags: 0, slots: 0, replicas: 0, groupForward: 0 },
} as const satisfies Record<number, Network>;

interface PortSpec {
  readonly network: number;
  readonly flags: number;
  readonly mac: string;
  readonly ip4: string;
  readonly ip6: string;
  /** Number of its host end; chosen by the kernel by default. */
  readonly ifindex?: number;
  readonly learnMax?: number;
  /** Not in its network's flood list and MAC table. */
  readonly hidden?: boolean;
}

const { LOCK, LEARN, ISOLATED, GATEWAY, IP4, IP6, PREFIXES } = EndpointFlags;
const LOCKED = LOCK | IP4 | IP6;

/**
 * a, b: plain containers. learn: one with a bridge inside, not locked. iso1, iso2: isolated.
 * router: forwards for its prefixes. last, first: the last in the array of endpoints, the first in
 * the hash. late: past the array of endpoints. gateway: the host's own.
 * other: in the second network, with the addresses of b. alone: has a network for itself.
 * orphan: its network is gone.
 */
export const PORTS = {
  a: port(1, 1, LOCKED),
  b: port(1, 2, LOCKED),
  learn: { ...port(1, 3, LEARN | IP4 | IP6), learnMax: 2 },
  iso1: port(1, 4, LOCKED | ISOLATED),
  iso2: port(1, 5, LOCKED | ISOLATED),
  router: port(1, 6, LOCKED | PREFIXES),
  last: { ...port(1, 12, LOCKED), ifindex: ENDPOINT_ARRAY_SIZE - 1 },
  first: { ...port(1, 13, LOCKED), ifindex: ENDPOINT_ARRAY_SIZE },
  late: { ...port(1, 7, LOCKED), ifindex: 20_000 },
  gateway: port(1, 0xfe, GATEWAY | IP4 | IP6),
  other: port(2, 2, LOCKED),
  other2: { ...port(2, 9, LEARN | IP4 | IP6), learnMax: 2 },
  alone: port(3, 10, LOCKED),
  orphan: { ...port(9, 11, LOCKED), hidden: true },
} as const satisfies Record<string, PortSpec>;

export type PortName = keyof typeof PORTS;
export const PORT_NAMES = Object.keys(PORTS) as PortName[];

/** Prefixes behind the router. */
export const ROUTED = [
  { prefix: '192.0.2.0', length: 24 },
  { prefix: '2001:db8:6::', length: 48 },
] as const;

/** A MAC that no port has. */
export const NOBODY = '0a:58:00:00:77:77';

function port(network: number, number: number, flags: number): PortSpec {
  const hex = number.toString(16).padStart(2, '0');
  return {
    network,
    flags,
    mac: `0a:58:00:00:00:${hex}`,
    ip4: `10.0.0.${number}`,
    ip6: `fd00::${number.toString(16)}`,
  };
}

/** Number of a port's endpoint. */
export function idOf(name: PortName): number {
  return PORT_NAMES.indexOf(name) + 1;
}

/** The initial value of dp_endpoint for a port. */
export function endpointOf(name: PortName, slot: number): Endpoint {
  const spec: PortSpec = PORTS[name];
  return {
    id: idOf(name),
    network: spec.network,
    flags: spec.flags,
    learnMax: spec.learnMax ?? 0,
    mac: mac(spec.mac),
    mtu: 1500,
    ip4: Buffer.from(ip(spec.ip4)).readUInt32BE(),
    slot,
    ip6: ip(spec.ip6),
  };
}
