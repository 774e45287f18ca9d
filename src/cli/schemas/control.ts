import { advice, run } from '../../../loader/hint.js';
import type { PlanRow } from '../../api/change.js';
import type { AttachedRow, DetachedRow, EndpointRow } from '../../api/endpoint.js';
import type { NetworkRow } from '../../api/network.js';
import type { Fact, FeatureRow, ProblemRow } from '../../api/status.js';
import type { VersionRow } from '../../api/version.js';
import { dumpSchema } from './dump.js';
import { type Schema, schemaOf, schemaWith, withChange } from './schema.js';

/** Rows of `endpoints`, and of what attach and detach report. */
export const ENDPOINT = schemaOf<EndpointRow>()({
  name: 'endpoint',
  nameKey: 'ns',
  empty: advice`no endpoints; \`${run`attach NS`}\` makes one`,
  columns: [
    { key: 'ns', type: 'text', doc: 'namespace, as given to attach' },
    { key: 'ifname', type: 'text', doc: 'interface inside the namespace' },
    { key: 'network', type: 'text', doc: 'network' },
    { key: 'ip4', type: 'text', doc: 'IPv4 address with its length, or empty' },
    { key: 'ip6', type: 'text', doc: 'IPv6 address with its length, or empty' },
    { key: 'mac', type: 'text', doc: 'MAC address' },
    {
      key: 'state',
      type: 'text',
      doc: 'ready, attaching, detaching, or what is wrong: down, gone (its namespace), missing (its interface), moved (to another namespace)',
    },
    { key: 'flags', type: 'list', doc: 'lock or learn, isolated, adopted' },
    { key: 'vni', type: 'number', wide: true, doc: 'VXLAN network identifier of the network' },
    {
      key: 'mtu',
      type: 'number',
      unit: 'B',
      wide: true,
      doc: 'largest packet of layer 3, in bytes',
    },
    {
      key: 'hostIfname',
      json: 'host_ifname',
      type: 'text',
      wide: true,
      doc: "interface at the host's end",
    },
    { key: 'ifindex', type: 'number', wide: true, doc: "number of the host's end" },
    { key: 'driver', type: 'text', wide: true, doc: 'kind of device: veth or netkit' },
    { key: 'id', type: 'number', wide: true, doc: 'number of the endpoint in the tables' },
    {
      key: 'allowPrefixes',
      json: 'allow_prefixes',
      type: 'list',
      wide: true,
      doc: 'further source prefixes',
    },
    {
      key: 'owner',
      type: 'text',
      wide: true,
      doc: 'who made it: person, lab/NAME, or cni/CONFIG/CONTAINER/IFNAME',
    },
    { key: 'labels', type: 'list', wide: true, doc: 'labels, KEY=VALUE each' },
  ],
});

/** Rows of `network list`, and of what network add and del report. */
export const NETWORK = schemaOf<NetworkRow>()({
  name: 'network',
  nameKey: 'name',
  empty: advice`no networks; \`${run`network add NAME`}\` makes one, and the first attach makes \`default\``,
  columns: [
    { key: 'name', type: 'text', doc: 'name of the network' },
    { key: 'vni', type: 'number', doc: 'VXLAN network identifier' },
    { key: 'subnet4', type: 'text', doc: 'IPv4 prefix of its addresses, or empty' },
    { key: 'subnet6', type: 'text', doc: 'IPv6 prefix of its addresses, or empty' },
    {
      key: 'ageing',
      type: 'number',
      unit: 's',
      doc: 'seconds until a silent learned MAC is forgotten; 0 is never',
    },
    { key: 'gateway', type: 'text', doc: "the host's addresses on the segment, or empty" },
    { key: 'endpoints', type: 'number', doc: 'number of its endpoints' },
    {
      key: 'flags',
      type: 'list',
      doc: 'masquerade, big-tcp, route-between, no-flood-unknown, no-learn-nodes',
    },
    {
      key: 'range4',
      type: 'text',
      wide: true,
      doc: 'part of subnet4 from which this node chooses addresses, or empty',
    },
    { key: 'range6', type: 'text', wide: true, doc: 'the same of subnet6' },
    {
      key: 'own4',
      type: 'text',
      wide: true,
      doc: 'prefix of subnet4 that this node owns, or empty',
    },
    { key: 'own6', type: 'text', wide: true, doc: 'the same of subnet6' },
    {
      key: 'groupFwdMask',
      json: 'group_fwd_mask',
      type: 'number',
      wide: true,
      doc: 'bit N: frames to 01:80:c2:00:00:0N are forwarded',
    },
  ],
});

/** The endpoint that attach made or found. */
export const ATTACHED: Schema<AttachedRow> = withChange(
  schemaWith<Pick<AttachedRow, 'hook'>>()(ENDPOINT, 'attached', [
    { key: 'hook', type: 'text', wide: true, doc: 'how the program is attached: tcx or clsact' },
  ]),
  'attached',
);

/** The endpoints that detach removed. */
export const DETACHED: Schema<DetachedRow> = schemaWith<Omit<DetachedRow, keyof EndpointRow>>()(
  ENDPOINT,
  'detached',
  [
    {
      key: 'namespaceDeleted',
      json: 'namespace_deleted',
      type: 'boolean',
      wide: true,
      doc: 'whether its namespace was deleted: attach --create had made it',
    },
  ],
);

/** The network that network add made or found. */
export const NETWORK_ADDED = withChange(NETWORK, 'network added');

/** The entry that fdb add made or found. */
export const FDB_ADDED = withChange(dumpSchema('fdb'), 'fdb added');

/** Rows of a plan: --dry-run, reconcile, reset. */
export const PLAN = schemaOf<PlanRow>()({
  name: 'plan',
  nameKey: 'subject',
  empty: 'nothing to do',
  columns: [
    { key: 'step', type: 'text', doc: 'what is done, in this order' },
    { key: 'subject', type: 'text', doc: 'what it is done to' },
    { key: 'detail', type: 'text', doc: 'the values' },
  ],
});

/** Problems of `status`. */
export const PROBLEM = schemaOf<ProblemRow>()({
  name: 'problem',
  nameKey: 'code',
  columns: [
    { key: 'code', type: 'text', doc: 'what is wrong, as a stable word' },
    { key: 'subject', type: 'text', doc: 'what it is about' },
    { key: 'message', type: 'text', doc: 'what is wrong, for people' },
    { key: 'fix', type: 'text', doc: 'the command that repairs it' },
  ],
});

/** Facts of `status`. */
export const FACT = schemaOf<Fact>()({
  name: 'fact',
  nameKey: 'name',
  columns: [
    { key: 'name', type: 'text', doc: 'what the fact is about' },
    { key: 'value', type: 'text', doc: 'the fact' },
  ],
});

/** Rows of `status --features`. */
export const FEATURE = schemaOf<FeatureRow>()({
  name: 'feature',
  nameKey: 'feature',
  columns: [
    { key: 'feature', type: 'text', doc: 'what of the kernel dpctl uses' },
    { key: 'here', type: 'boolean', doc: 'whether this kernel has it, found out by trying' },
    { key: 'since', type: 'text', doc: 'the version of Linux that had it first' },
    { key: 'without', type: 'text', doc: 'what dpctl does where it is missing' },
    { key: 'required', type: 'boolean', wide: true, doc: 'whether dpctl cannot do without it' },
  ],
});

/** What `version` prints. */
export const VERSIONS = schemaOf<VersionRow>()({
  name: 'version',
  nameKey: 'dpctl',
  columns: [
    { key: 'dpctl', type: 'text', doc: 'version of dpctl' },
    { key: 'libbpf', type: 'text', doc: 'version of the libbpf that is loaded' },
    { key: 'kernel', type: 'text', doc: 'release of the kernel that runs' },
    { key: 'ffi', type: 'text', doc: 'how native code is called' },
    { key: 'node', type: 'text', doc: 'version of Node.js' },
  ],
});
