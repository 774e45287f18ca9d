/** The schemas of results: for the description of the API, and for the tests that compare results with it. */
import * as z from 'zod/mini';
import type {
  Health,
  OperationName,
  Readiness,
  ResultOf,
  Revision,
} from '../../../api/operations.js';
import type { ErrorBody } from '../response.js';
import { clusterChange, clusterReport } from './cluster.js';
import { change, flag, hint, number, optional, text, texts } from './parts.js';

/** A schema of an object that has all fields of a type. */
type Whole<Result> = z.ZodMiniType<Result> & {
  readonly shape: { readonly [Member in keyof Result]-?: z.ZodMiniType };
};

const endpoint = z.strictObject({
  ns: text('namespace, as given to attach'),
  ifname: text('interface inside the namespace'),
  network: text('network'),
  vni: number('VXLAN network identifier of the network'),
  mac: text('MAC address'),
  ip4: text('IPv4 address with its length, or empty'),
  ip6: text('IPv6 address with its length, or empty'),
  mtu: number('largest packet of layer 3, in bytes'),
  hostIfname: text("interface at the host's end"),
  ifindex: number("number of the host's end"),
  driver: z.enum(['veth', 'netkit']),
  id: number('number of the endpoint in the tables'),
  state: text('ready, attaching, detaching, down, gone, missing or moved'),
  flags: texts('lock or learn, isolated, adopted'),
  allowPrefixes: texts('further source prefixes'),
  owner: text('person, lab/NAME, or cni/CONFIG/CONTAINER/IFNAME'),
  labels: texts('KEY=VALUE each'),
});

const network = z.strictObject({
  name: text('name of the network'),
  vni: number('VXLAN network identifier'),
  subnet4: text('IPv4 prefix of its addresses, or empty'),
  subnet6: text('IPv6 prefix of its addresses, or empty'),
  range4: text('part of subnet4 from which this node chooses addresses, or empty'),
  range6: text('the same of subnet6'),
  own4: text('prefix of subnet4 that this node owns, or empty'),
  own6: text('the same of subnet6'),
  ageing: number('seconds until a silent learned MAC is forgotten; 0 is never'),
  gateway: text("the host's addresses on the segment, with commas between, or empty"),
  endpoints: number('number of its endpoints'),
  groupFwdMask: number('bit N: frames to 01:80:c2:00:00:0N are forwarded'),
  flags: texts('masquerade, big-tcp, route-between, no-flood-unknown, no-learn-nodes'),
});

const underlay = z.strictObject({
  ifname: text('device'),
  ifindex: number('its number; 0 where there is none'),
  state: text('up, down, or why it cannot be used'),
  local: text('address of this node'),
  port: number('UDP port'),
  mtu: number('largest packet of layer 3 of the device, in bytes'),
  endpointMtu: number('largest packet of layer 3 of endpoints without an MTU of their own'),
  decap: text('how VXLAN is decapsulated: tc, tc-gro or xdp'),
  asked: text('what was requested: one of them, or auto'),
  why: text('why this mode'),
});

const node = z.strictObject({
  name: text('name of the node'),
  dst: text('its address'),
  number: number('its number in the tables'),
  prefixes: texts('prefixes that it owns, NETWORK=PREFIX each'),
});

const fdb = z.strictObject({
  mac: text('MAC address'),
  vni: number('VXLAN network identifier'),
  network: text('network'),
  ns: text('namespace of the endpoint, or empty'),
  ifname: text("interface at the host's end"),
  ifindex: number("number of the interface at the host's end"),
  node: text('other node behind which it is, or empty'),
  dst: text('address of that node, or empty'),
  state: z.enum(['static', 'learned']),
  age: number('seconds since the last frame from it'),
  flags: texts('flags of the entry'),
});

const endpointChange = {
  ...change,
  endpoints: z.array(endpoint),
  created: flag('false where the endpoint was there already'),
  hook: text('how the program is attached: tcx or clsact; empty where it is not'),
};
const networkChange = z.strictObject({
  ...change,
  network: optional(network),
  created: optional(flag('it was not there before')),
});
const underlayChange = z.strictObject({ ...change, underlay: optional(underlay) });
const nodeChange = z.strictObject({
  ...change,
  node: optional(node),
  created: optional(flag('it was not there before')),
});
const fdbChange = z.strictObject({
  ...change,
  count: number('entries that were added or deleted'),
  entries: z.array(fdb),
});

const detachChange: Whole<ResultOf<'detach'>> = z.strictObject({
  ...endpointChange,
  namespacesDeleted: texts('namespaces that attach had made, and that went with their endpoint'),
});

const status: Whole<ResultOf<'status'>> = z.strictObject({
  healthy: flag('there are no problems'),
  problems: z.array(
    z.strictObject({
      code: text('what is wrong, as a stable word'),
      subject: text('what it is about'),
      message: text('what is wrong, for people'),
      fix: hint,
    }),
  ),
  facts: z.array(z.strictObject({ name: text('what it is about'), value: text('the fact') })),
});

/** A row of a table with keys of its own: docs/cli.md lists them. */
const row = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]),
);

/** The result of each operation; for one that streams, of each line. */
export const RESULTS: {
  readonly [Name in Exclude<OperationName, 'dump'>]: z.ZodMiniType<ResultOf<Name>>;
} & {
  readonly dump: z.ZodMiniType;
} = {
  attach: z.strictObject(endpointChange),
  detach: detachChange,
  endpoints: z.array(endpoint),
  'network add': networkChange,
  'network del': networkChange,
  'network list': z.array(network),
  'underlay set': underlayChange,
  'underlay del': underlayChange,
  'underlay show': z.array(underlay),
  'node add': nodeChange,
  'node del': nodeChange,
  'node list': z.array(node),
  'cluster join': clusterChange,
  'cluster leave': clusterChange,
  'cluster status': clusterReport,
  dump: row,
  status,
  'fdb add': fdbChange,
  'fdb del': fdbChange,
  'fdb flush': fdbChange,
  reconcile: z.strictObject(change),
};

const health: Whole<Health> = z.strictObject({
  pid: number('its process'),
  uptime: number('seconds since it began to answer'),
  build: text('which build it is; empty where that is not known'),
});
const ready: Whole<Readiness> = z.strictObject({
  ready: flag('the node is as requested, as far as the agent knows'),
  why: text('why not, or empty'),
});
const watch: Whole<Revision> = z.strictObject({
  revision: number('grows with every state that is saved'),
  endpoints: number('how many there are'),
  networks: number('how many there are'),
  nodes: number('how many other nodes are known'),
});

/** The agent's own status. */
export const AGENT_RESULTS = { health, ready, watch } as const;

/** The body of an error. */
export const ERROR: Whole<ErrorBody> = z.strictObject({
  code: text('what went wrong, as a stable word'),
  msg: text('what happened, and to what'),
  details: z.record(z.string(), z.unknown()).check(z.describe('facts, by name')),
  hint: text('the next step, or empty'),
  exitCode: number('exit code of a command that gets this error'),
  raw: optional(
    z
      .strictObject({
        details: z.record(z.string(), z.unknown()),
        hint,
        causes: z.array(z.string()),
      })
      .check(z.describe('only for dpctl itself')),
  ),
});
