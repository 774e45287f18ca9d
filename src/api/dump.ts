/** Tables of `dump` and their rows. Keys follow `bridge -j fdb` and `ip -j` where those define one. */
import type { FdbRow } from './fdb.js';

/** Names of the tables. */
export const DUMP_TABLES = [
  'fdb',
  'neigh',
  'endpoints',
  'nodes',
  'prefixes',
  'networks',
  'config',
  'stats',
  'progs',
] as const;
export type DumpTable = (typeof DUMP_TABLES)[number];

/** Row type of each table. */
export interface DumpRows {
  readonly fdb: FdbRow;
  readonly neigh: NeighbourRow;
  readonly endpoints: EndpointEntryRow;
  readonly nodes: NodeEntryRow;
  readonly prefixes: NodePrefixRow;
  readonly networks: NetworkEntryRow;
  readonly config: SettingRow;
  readonly stats: CounterRow;
  readonly progs: ProgramRow;
}

/** An address for which the datapath answers ARP requests and neighbour solicitations. */
export interface NeighbourRow {
  /** IP address of the neighbour. */
  readonly dst: string;
  readonly mac: string;
  readonly vni: number;
  readonly network: string;
  /** Host end of the endpoint. Empty for an endpoint of another node, like `ns`. */
  readonly ifname: string;
  readonly ns: string;
  readonly flags: readonly string[];
}

/** An entry of the endpoint table. */
export interface EndpointEntryRow {
  readonly ifindex: number;
  /** Host end of the endpoint. */
  readonly ifname: string;
  readonly id: number;
  /** Namespace of the endpoint; `host` for a gateway. */
  readonly ns: string;
  readonly network: string;
  readonly vni: number;
  readonly mac: string;
  /** IPv4 address without a prefix length; empty if the endpoint has none. */
  readonly ip4: string;
  readonly ip6: string;
  /** Layer 3 MTU, in bytes. */
  readonly mtu: number;
  /** Index in the flood list of the network. */
  readonly slot: number;
  /** MACs learned behind it now. */
  readonly learned: number;
  readonly flags: readonly string[];
  /** Owner of the endpoint; empty for a gateway. */
  readonly owner: string;
  /** Labels, as `KEY=VALUE`. */
  readonly labels: readonly string[];
}

/** Another node, with traffic counters per direction. Bytes do not include the outer headers. */
export interface NodeEntryRow {
  readonly name: string;
  /** Underlay address of the node. */
  readonly dst: string;
  readonly number: number;
  /** MACs learned behind it now. */
  readonly learned: number;
  readonly tx_packets: number;
  readonly tx_bytes: number;
  readonly rx_packets: number;
  readonly rx_bytes: number;
  readonly tx_dropped: number;
  readonly rx_dropped: number;
}

/** A prefix of a network, and the node that owns it. */
export interface NodePrefixRow {
  /** ADDRESS/LENGTH. */
  readonly prefix: string;
  readonly vni: number;
  readonly network: string;
  /** Name of the node. Empty for this node, like `dst`. */
  readonly node: string;
  /** Underlay address of the node. */
  readonly dst: string;
}

/** An entry of the network table. */
export interface NetworkEntryRow {
  readonly vni: number;
  readonly network: string;
  /** Index in the network table. */
  readonly index: number;
  /** Ageing time of learned MACs, in seconds; 0: they do not age. */
  readonly ageing: number;
  /** Lengths of the flood list and of the list of other nodes. */
  readonly slots: number;
  readonly replicas: number;
  readonly group_fwd_mask: number;
  readonly flags: readonly string[];
}

/** A setting of the datapath. */
export interface SettingRow {
  readonly name: string;
  readonly value: string;
}

/** A counter of an endpoint, of a drop reason or of a notice. */
export interface CounterRow {
  readonly kind: 'endpoint' | 'drop' | 'notice';
  /** NS/IFNAME, or the reason. */
  readonly name: string;
  readonly counter: string;
  readonly packets: number;
  /** 0 if the counter does not count bytes. */
  readonly bytes: number;
  /** Description of the counter. */
  readonly text: string;
}

/** A program attached to a device of the datapath. */
export interface ProgramRow {
  readonly ifname: string;
  readonly ifindex: number;
  readonly ns: string;
  readonly owner: 'dpctl' | 'other';
  /** tcx, clsact or xdp. Programs that are not dpctl's include the direction: `tcx ingress`. */
  readonly hook: string;
  readonly name: string;
  readonly id: number;
  readonly tag: string;
  /** Number of runs. Counted only while sysctl kernel.bpf_stats_enabled is 1. */
  readonly run_count: number;
  /** Total run time, in nanoseconds. */
  readonly run_ns: number;
  /** Size of the machine code, in bytes. */
  readonly jited: number;
}
