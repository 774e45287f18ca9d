import { advice, run } from '../../../loader/hint.js';
import type { LabRow } from '../../api/lab.js';
import type { RemoteNodeRow } from '../../api/remote-node.js';
import type { UnderlayRow } from '../../api/underlay.js';
import { schemaOf, withChange } from './schema.js';

/** What `underlay show` prints, and underlay set and del report. */
export const UNDERLAY = schemaOf<UnderlayRow>()({
  name: 'underlay',
  nameKey: 'ifname',
  empty: advice`no underlay; \`${run`underlay set DEV`}\` chooses one`,
  columns: [
    { key: 'ifname', type: 'text', doc: 'device that leads to other nodes' },
    { key: 'state', type: 'text', doc: 'up, down, or why it cannot be used' },
    { key: 'local', type: 'text', doc: 'address of this node, or empty' },
    { key: 'port', type: 'number', doc: 'UDP port' },
    { key: 'mtu', type: 'number', unit: 'B', doc: 'MTU of the device, in bytes' },
    {
      key: 'endpointMtu',
      json: 'endpoint_mtu',
      type: 'number',
      unit: 'B',
      doc: 'MTU of endpoints without one of their own, in bytes; 0 while it cannot be used',
    },
    { key: 'decap', type: 'text', doc: 'how VXLAN is decapsulated: tc, tc-gro or xdp' },
    { key: 'asked', type: 'text', doc: 'what was requested: one of them, or auto' },
    { key: 'why', type: 'text', doc: 'why this mode' },
    { key: 'ifindex', type: 'number', wide: true, doc: 'number of the device' },
  ],
});

/** The underlay that underlay set made or found. */
export const UNDERLAY_SET = withChange(UNDERLAY, 'underlay set');

/** Rows of `node list`, and of what node add and del report. */
export const NODE = schemaOf<RemoteNodeRow>()({
  name: 'node',
  nameKey: 'name',
  empty: advice`no other nodes; \`${run`node add NAME --vtep ADDRESS`}\` adds one`,
  columns: [
    { key: 'name', type: 'text', doc: 'name of the node' },
    { key: 'dst', type: 'text', doc: 'its address on the underlay' },
    { key: 'number', type: 'number', doc: 'its number in the tables' },
    { key: 'prefixes', type: 'list', doc: 'prefixes that it owns, NETWORK=PREFIX each' },
  ],
});

/** The node that node add added or found. */
export const NODE_ADDED = withChange(NODE, 'node added');

/** Rows of `lab list`, and of what lab up and down report. */
export const LAB = schemaOf<LabRow>()({
  name: 'lab',
  nameKey: 'where',
  empty: advice`no labs; \`${run`lab up`}\` makes one`,
  columns: [
    { key: 'lab', type: 'text', doc: 'name of the lab' },
    { key: 'where', type: 'text', doc: 'what `dpctl lab exec` calls it: n1, n1e1' },
    { key: 'kind', type: 'text', doc: 'node or endpoint; switch where nothing else is left' },
    { key: 'state', type: 'text', doc: 'up, damaged, or missing: `dpctl lab up` repairs it' },
    { key: 'ns', type: 'text', doc: 'its network namespace' },
    { key: 'network', type: 'text', doc: 'network of an endpoint, or empty' },
    { key: 'vni', type: 'number', doc: 'VXLAN network identifier; 0 for a node' },
    { key: 'ip4', type: 'text', doc: 'IPv4 address; of a node that on the underlay' },
    { key: 'ip6', type: 'text', doc: 'IPv6 address; of a node that on the underlay' },
    { key: 'mac', type: 'text', wide: true, doc: 'MAC address of an endpoint, or empty' },
    { key: 'root', type: 'text', wide: true, doc: 'root directory of the node' },
  ],
});
