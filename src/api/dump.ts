/** The tables of `dump`, and the rows of each. Keys are those of `bridge -j fdb` and `ip -j` where those have one. */
import type { FdbRow } from './fdb.js';

/** What can be dumped. */
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

/** The row of each table. */
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

/** An address that ARP and neighbour solicitations are answered for. */
export interface NeighbourRow {
  /** The neighbour's address. */
  readonly dst: string;
  readonly mac: string;
  readonly vni: number;
  readonly network: string;
  /** Host end of the endpoint; empty behind another node, as `ns` is. */
  readonly ifname: string;
  readonly ns: string;
  readonly flags: readonly string[];
}

/** An endpoint as the datapath has it. */
export interface EndpointEntryRow {
  readonly ifindex: number;
  /** Host end of the endpoint. */
  readonly ifname: string;
  readonly id: number;
  /** Namespace; `host` for a gateway. */
  readonly ns: string;
  readonly network: string;
  readonly vni: number;
  readonly mac: string;
  /** Without a length; empty where it has none. */
  readonly ip4: string;
  readonly ip6: string;
  /** Bytes of layer 3. */
  readonly mtu: number;
  /** Place in the network's flood list. */
  readonly slot: number;
  /** MACs learned behind it now. */
  readonly learned: number;
  readonly flags: readonly string[];
  /** Empty for a gateway. */
  readonly owner: string;
  /** `KEY=VALUE` each. */
  readonly labels: readonly string[];
}

/** Another node, what went to it and what came from it. Bytes are without the outer headers. */
export interface NodeEntryRow {
  readonly name: string;
  /** Its address. */
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

/** A prefix of a network that a node owns. */
export interface NodePrefixRow {
  /** ADDRESS/LENGTH. */
  readonly prefix: string;
  readonly vni: number;
  readonly network: string;
  /** Empty: this one, as `dst` is then. */
  readonly node: string;
  /** Address of the node. */
  readonly dst: string;
}

/** A network as the datapath has it. */
export interface NetworkEntryRow {
  readonly vni: number;
  readonly network: string;
  /** Place in the table of networks. */
  readonly index: number;
  /** Seconds; 0: never. */
  readonly ageing: number;
  /** Lengths of its flood list and of its list of other nodes. */
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

/** A counter, of an endpoint or of a reason. */
export interface CounterRow {
  readonly kind: 'endpoint' | 'drop' | 'notice';
  /** NS/IFNAME, or the reason. */
  readonly name: string;
  readonly counter: string;
  readonly packets: number;
  /** 0 where none are counted. */
  readonly bytes: number;
  /** What it means, for people. */
  readonly text: string;
}

/** A program on one of the datapath's devices. */
export interface ProgramRow {
  readonly ifname: string;
  readonly ifindex: number;
  readonly ns: string;
  readonly owner: 'dpctl' | 'other';
  /** tcx, clsact or xdp; of others with the place: `tcx ingress`. */
  readonly hook: string;
  readonly name: string;
  readonly id: number;
  readonly tag: string;
  /** Counted while sysctl kernel.bpf_stats_enabled is 1. */
  readonly run_count: number;
  /** Nanoseconds of all runs. */
  readonly run_ns: number;
  /** Bytes of machine code. */
  readonly jited: number;
}
