/** Rows of `dump`: one schema a table. Keys are those of `bridge -j fdb` and `ip -j` where those have one. */
import { TABLES } from '../commands/observe.js';
import type { Column, Schema } from './schema.js';

type Table = (typeof TABLES)[number];

const NS: Column = {
  key: 'ns',
  type: 'text',
  doc: 'namespace of the endpoint, as attach was told; `host` for a gateway',
};
const VNI: Column = { key: 'vni', type: 'number', width: 5, doc: 'VXLAN network identifier' };
const NETWORK: Column = { key: 'network', type: 'text', doc: 'network' };
const MAC: Column = { key: 'mac', type: 'text', width: 17, doc: 'MAC address' };
const FLAGS: Column = { key: 'flags', type: 'list', doc: 'flags of the entry' };
const IFNAME: Column = {
  key: 'ifname',
  type: 'text',
  width: 8,
  doc: "interface at the host's end",
};
const IFINDEX: Column = {
  key: 'ifindex',
  type: 'number',
  doc: "number of the interface at the host's end",
};

/** Rows of the MAC table; its widths are settled beforehand, for it may be long. */
const FDB: readonly Column[] = [
  MAC,
  VNI,
  NETWORK,
  NS,
  IFNAME,
  { ...IFINDEX, width: 7 },
  { key: 'node', type: 'text', width: 4, doc: 'other node behind which it is; empty: this one' },
  { key: 'dst', type: 'text', width: 9, doc: 'address of that node, or empty' },
  {
    key: 'state',
    type: 'text',
    width: 9,
    doc: 'learned, static, or permanent: an own MAC of an endpoint',
  },
  {
    key: 'age',
    type: 'number',
    unit: 's',
    width: 6,
    doc: 'seconds since the last frame from it; 0 for what is not learned',
  },
  FLAGS,
];

const NEIGH: readonly Column[] = [
  { key: 'dst', type: 'text', doc: 'IP address that is answered for' },
  MAC,
  VNI,
  NETWORK,
  NS,
  { ...IFNAME, wide: true },
  FLAGS,
];

const ENDPOINTS: readonly Column[] = [
  { key: 'id', type: 'number', doc: 'number of the endpoint in the tables' },
  NS,
  IFNAME,
  IFINDEX,
  NETWORK,
  VNI,
  MAC,
  { key: 'ip4', type: 'text', doc: 'IPv4 address that it may use as a source, or empty' },
  { key: 'ip6', type: 'text', doc: 'IPv6 address that it may use as a source, or empty' },
  { key: 'mtu', type: 'number', unit: 'B', doc: 'largest packet of layer 3, in bytes' },
  { key: 'learned', type: 'number', doc: 'MACs learned behind it now' },
  FLAGS,
  { key: 'slot', type: 'number', wide: true, doc: "place in its network's flood list" },
  {
    key: 'owner',
    type: 'text',
    wide: true,
    doc: 'who made it: person, lab/NAME, or cni/CONTAINER/IFNAME; empty for a gateway',
  },
  { key: 'labels', type: 'list', wide: true, doc: 'labels, KEY=VALUE each' },
];

const NODES: readonly Column[] = [
  { key: 'name', type: 'text', doc: 'name of the other node' },
  { key: 'dst', type: 'text', doc: 'its address on the underlay' },
  { key: 'learned', type: 'number', doc: 'MACs learned behind it now' },
  { key: 'tx_packets', type: 'number', doc: 'frames sent to it' },
  { key: 'tx_bytes', type: 'number', unit: 'B', doc: 'their bytes without the outer headers' },
  { key: 'rx_packets', type: 'number', doc: 'frames from it, those that were dropped too' },
  { key: 'rx_bytes', type: 'number', unit: 'B', doc: 'their bytes without the outer headers' },
  { key: 'tx_dropped', type: 'number', doc: 'frames for it that were dropped' },
  { key: 'rx_dropped', type: 'number', doc: 'frames from it that were dropped' },
  { key: 'number', type: 'number', wide: true, doc: 'its number in the tables' },
];

const NETWORKS: readonly Column[] = [
  NETWORK,
  VNI,
  { key: 'index', type: 'number', doc: 'place in the table of networks' },
  {
    key: 'ageing',
    type: 'number',
    unit: 's',
    doc: 'seconds until a silent learned MAC is forgotten; 0 is never',
  },
  { key: 'slots', type: 'number', doc: 'length of its flood list' },
  { key: 'replicas', type: 'number', doc: 'length of its list of other nodes' },
  {
    key: 'group_fwd_mask',
    type: 'number',
    doc: 'bit N: frames to 01:80:c2:00:00:0N are forwarded',
  },
  FLAGS,
];

const CONFIG: readonly Column[] = [
  { key: 'name', type: 'text', doc: 'setting of the datapath' },
  { key: 'value', type: 'text', doc: 'its value' },
];

const STATS: readonly Column[] = [
  {
    key: 'kind',
    type: 'text',
    doc: 'endpoint; drop: why frames were dropped; notice: they went on',
  },
  { key: 'name', type: 'text', doc: 'namespace/interface, or the reason' },
  { key: 'counter', type: 'text', doc: 'what is counted' },
  { key: 'packets', type: 'number', doc: 'frames, over all CPUs' },
  { key: 'bytes', type: 'number', unit: 'B', doc: 'their bytes; 0 where none are counted' },
  { key: 'text', type: 'text', doc: 'what it means' },
];

const PROGS: readonly Column[] = [
  NS,
  IFNAME,
  IFINDEX,
  { key: 'hook', type: 'text', doc: 'where it is attached: tcx, clsact or xdp' },
  { key: 'owner', type: 'text', doc: 'dpctl or other' },
  { key: 'name', type: 'text', doc: 'program' },
  { key: 'id', type: 'number', doc: "the kernel's number of the program" },
  { key: 'tag', type: 'text', doc: 'hash of its instructions' },
  {
    key: 'run_count',
    type: 'number',
    doc: 'runs, counted while sysctl kernel.bpf_stats_enabled is 1',
  },
  { key: 'run_ns', type: 'number', doc: 'time of all these runs, in nanoseconds' },
  { key: 'jited', type: 'number', unit: 'B', wide: true, doc: 'machine code, in bytes' },
];

const TABLE: Readonly<Record<Table, readonly [nameKey: string, columns: readonly Column[]]>> = {
  fdb: ['mac', FDB],
  neigh: ['dst', NEIGH],
  endpoints: ['ns', ENDPOINTS],
  nodes: ['name', NODES],
  networks: ['network', NETWORKS],
  config: ['name', CONFIG],
  stats: ['name', STATS],
  progs: ['name', PROGS],
};

/** The schema of a table of `dump`. */
export function dumpSchema(table: Table): Schema {
  const [nameKey, columns] = TABLE[table];
  return { name: `dump ${table}`, nameKey, columns, empty: `the ${table} table is empty` };
}

/** The schemas of all tables of `dump`. */
export function dumpSchemas(): Schema[] {
  return TABLES.map(dumpSchema);
}
