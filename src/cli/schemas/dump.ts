/**
 * Rows of `dump`: one schema for each table. Keys are those of `bridge -j fdb` and `ip -j` where they exist.
 */
import { DUMP_TABLES, type DumpRows, type DumpTable } from '../../api/dump.js';
import { type Column, type Schema, schemaOf } from './schema.js';

const NS = {
  key: 'ns',
  type: 'text',
  doc: 'namespace of the endpoint, as given to attach; `host` for a gateway',
} as const satisfies Column;
const VNI = {
  key: 'vni',
  type: 'number',
  width: 5,
  doc: 'VXLAN network identifier',
} as const satisfies Column;
const NETWORK = { key: 'network', type: 'text', doc: 'network' } as const satisfies Column;
const MAC = { key: 'mac', type: 'text', width: 17, doc: 'MAC address' } as const satisfies Column;
const FLAGS = { key: 'flags', type: 'list', doc: 'flags of the entry' } as const satisfies Column;
const IFNAME = {
  key: 'ifname',
  type: 'text',
  width: 8,
  doc: "interface at the host's end",
} as const satisfies Column;
const IFINDEX = {
  key: 'ifindex',
  type: 'number',
  doc: "number of the interface at the host's end",
} as const satisfies Column;

const SCHEMAS: { readonly [Table in DumpTable]: Schema<DumpRows[Table]> } = {
  // Its widths are fixed beforehand, as it may be long.
  fdb: schemaOf<DumpRows['fdb']>()({
    name: 'dump fdb',
    nameKey: 'mac',
    empty: 'the fdb table is empty',
    columns: [
      MAC,
      VNI,
      NETWORK,
      NS,
      IFNAME,
      { ...IFINDEX, width: 7 },
      {
        key: 'node',
        type: 'text',
        width: 4,
        doc: 'other node behind which it is; empty: this one',
      },
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
    ],
  }),
  neigh: schemaOf<DumpRows['neigh']>()({
    name: 'dump neigh',
    nameKey: 'dst',
    empty: 'the neigh table is empty',
    columns: [
      { key: 'dst', type: 'text', doc: 'IP address that is answered for' },
      MAC,
      VNI,
      NETWORK,
      NS,
      { ...IFNAME, wide: true },
      FLAGS,
    ],
  }),
  endpoints: schemaOf<DumpRows['endpoints']>()({
    name: 'dump endpoints',
    nameKey: 'ns',
    empty: 'the endpoints table is empty',
    columns: [
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
        doc: 'who made it: person, lab/NAME, or cni/CONFIG/CONTAINER/IFNAME; empty for a gateway',
      },
      { key: 'labels', type: 'list', wide: true, doc: 'labels, KEY=VALUE each' },
    ],
  }),
  nodes: schemaOf<DumpRows['nodes']>()({
    name: 'dump nodes',
    nameKey: 'name',
    empty: 'the nodes table is empty',
    columns: [
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
    ],
  }),
  prefixes: schemaOf<DumpRows['prefixes']>()({
    name: 'dump prefixes',
    nameKey: 'prefix',
    empty: 'the prefixes table is empty',
    columns: [
      { key: 'prefix', type: 'text', doc: 'prefix of the network' },
      VNI,
      NETWORK,
      { key: 'node', type: 'text', doc: 'other node that owns it; empty: this one' },
      { key: 'dst', type: 'text', doc: 'address of that node, or empty' },
    ],
  }),
  networks: schemaOf<DumpRows['networks']>()({
    name: 'dump networks',
    nameKey: 'network',
    empty: 'the networks table is empty',
    columns: [
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
    ],
  }),
  config: schemaOf<DumpRows['config']>()({
    name: 'dump config',
    nameKey: 'name',
    empty: 'the config table is empty',
    columns: [
      { key: 'name', type: 'text', doc: 'setting of the datapath' },
      { key: 'value', type: 'text', doc: 'its value' },
    ],
  }),
  stats: schemaOf<DumpRows['stats']>()({
    name: 'dump stats',
    nameKey: 'name',
    empty: 'the stats table is empty',
    columns: [
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
    ],
  }),
  progs: schemaOf<DumpRows['progs']>()({
    name: 'dump progs',
    nameKey: 'name',
    empty: 'the progs table is empty',
    columns: [
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
    ],
  }),
};

/** The schema of a table of `dump`. */
export function dumpSchema<Table extends DumpTable>(table: Table): Schema<DumpRows[Table]> {
  return SCHEMAS[table];
}

/** The schemas of all tables of `dump`. */
export function dumpSchemas(): Schema[] {
  return DUMP_TABLES.map((table) => SCHEMAS[table]);
}
