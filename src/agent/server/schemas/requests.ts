/**
 * The schemas of requests. Only the shape is checked here: invalid values are refused by the same code, and
 * with the same messages, as for the command line.
 */
import * as z from 'zod/mini';
import type { CniCall } from '../../../api/cni.js';
import { DUMP_TABLES } from '../../../api/dump.js';
import type { OperationName, RequestOf } from '../../../api/operations.js';

/** A schema that has all fields of a request, and no others. */
type SchemaOf<Request> = z.ZodMiniType<Request> & {
  readonly shape: { readonly [Member in keyof Request]-?: z.ZodMiniType };
};

/** A program's arguments cannot hold other texts, and the code behind the schema does not expect them. */
const text = (description: string) =>
  z.string().check(
    // NUL and halves of surrogate pairs.
    z.regex(/^[^\0\ud800-\udfff]*$/u),
    z.describe(description),
  );
const texts = (description: string) => z.array(text(description));
const flag = (description: string) => z.boolean().check(z.describe(description));
const whole = (description: string) => z.int().check(z.minimum(0), z.describe(description));
const optional = z.exactOptional;

const ns = text('namespace: a name in /run/netns, a path, or a pid');
const dryRun = optional(flag('plan only: nothing is changed'));
const network = optional(text('network; "default" if not set'));
const nothing = z.strictObject({});

const owner = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('lab'), lab: text('name of the lab') }),
  z.strictObject({
    kind: z.literal('cni'),
    config: text('name of the network configuration'),
    container: text('id of the container'),
    ifname: text('interface that CNI asked for'),
  }),
]);

/** A call of the CNI plugin. */
export const CNI_CALL: SchemaOf<CniCall> = z.strictObject({
  command: text('CNI_COMMAND'),
  containerId: optional(text('CNI_CONTAINERID')),
  netns: optional(text('CNI_NETNS')),
  netnsFile: optional(text('DEVICE:INODE of that file, as the plugin sees it')),
  ifname: optional(text('CNI_IFNAME')),
  args: optional(text('CNI_ARGS')),
  path: optional(text('CNI_PATH')),
  config: text('network configuration: the text of standard input'),
});

/** The request of each operation. */
export const REQUESTS: { readonly [Name in OperationName]: SchemaOf<RequestOf<Name>> } = {
  attach: z.strictObject({
    ns,
    network: optional(text('network to join; "default" if not set')),
    ips: optional(texts('address, with or without /LENGTH; at most one IPv4 and one IPv6')),
    mac: optional(text('MAC address inside the namespace')),
    mtu: optional(z.union([whole('largest packet of layer 3, in bytes'), z.literal('auto')])),
    ifname: optional(text('name of the interface inside the namespace; eth0 if not set')),
    isolated: optional(flag('no traffic with other isolated endpoints of this node')),
    lock: optional(flag('false: accept any source address, and learn the MACs behind it')),
    allowPrefixes: optional(
      z.union([texts('further source prefix of an endpoint that forwards'), z.literal(false)]),
    ),
    create: optional(flag('make the namespace if it is not there; detach deletes it again')),
    fast: optional(flag('attach the program by a filter first, as an agent always does')),
    driver: optional(z.enum(['veth', 'netkit', 'auto'])),
    labels: optional(texts('KEY=VALUE sets a label, KEY- removes it')),
    owner: optional(owner),
    dryRun,
  }),
  detach: z.strictObject({
    ns,
    ifname: optional(text('only the endpoint with this interface')),
    owner: optional(text('only the endpoints of this owner, as their rows name it')),
    dryRun,
  }),
  endpoints: nothing,
  'network add': z.strictObject({
    name: text('name of the network'),
    vni: optional(whole('VXLAN network identifier')),
    subnets: optional(texts('prefix of its addresses; at most one IPv4 and one IPv6')),
    ranges: optional(texts('part of a subnet from which this node chooses addresses')),
    ownPrefixes: optional(
      z.union([texts('prefix of a subnet that this node owns'), z.literal(false)]),
    ),
    ageing: optional(whole('seconds until a silent learned MAC is forgotten; 0 is never')),
    gateway: optional(
      z.union([flag('true: the first address of each subnet; false: none'), texts('its address')]),
    ),
    masquerade: optional(flag("what leaves through the gateway takes the host's address")),
    bigTcp: optional(flag('192 KB GSO and GRO at the endpoints')),
    groupFwdMask: optional(whole('bit N: frames to 01:80:c2:00:00:0N are forwarded')),
    routeBetween: optional(flag('route to and from other networks that have this, too')),
    floodUnknown: optional(flag('false: frames to unknown MACs are dropped')),
    learnNodes: optional(flag('false: MACs behind other nodes are not learned')),
    dryRun,
  }),
  'network del': z.strictObject({ name: text('name of the network'), dryRun }),
  'network list': nothing,
  'underlay set': z.strictObject({
    device: text('device that leads to the other nodes'),
    port: optional(whole('UDP port')),
    decap: optional(z.enum(['auto', 'tc', 'tc-gro', 'xdp'])),
    vtep: optional(text('address of this node, or auto')),
    dryRun,
  }),
  'underlay del': z.strictObject({ dryRun }),
  'underlay show': nothing,
  'node add': z.strictObject({
    name: text('name of the node'),
    vtep: optional(text('its address; may be missing for a node that is known')),
    prefixes: optional(z.union([texts('prefix of the network that it owns'), z.literal(false)])),
    network: optional(text('network of the prefixes; "default" if not set')),
    dryRun,
  }),
  'node del': z.strictObject({ name: text('name of the node'), dryRun }),
  'node list': nothing,
  'cluster join': z.strictObject({
    endpoints: texts('member of etcd: HOST:PORT, or etcd://HOST:PORT,HOST:PORT'),
    name: optional(text('name of this node in the cluster; that of the machine by default')),
    ca: optional(text('path of the certificates of the authority that signed those of etcd')),
    cert: optional(text('path of a certificate of this node')),
    key: optional(text('path of its key')),
    user: optional(text('user of etcd')),
    password: optional(text('its password; it is never shown again')),
    grace: optional(whole('seconds for which what is known of a lost node stays')),
  }),
  'cluster leave': z.strictObject({
    force: optional(flag('leave although etcd does not answer: its records stay there')),
  }),
  'cluster status': nothing,
  dump: z.strictObject({ table: z.enum(DUMP_TABLES) }),
  status: nothing,
  'fdb add': z.strictObject({
    mac: text('MAC address'),
    ns: optional(text('namespace of the endpoint that it is behind')),
    ifname: optional(text('interface of that endpoint')),
    node: optional(text('other node that it is behind')),
    network,
    ips: optional(texts('address that the MAC answers to, behind another node')),
    dryRun,
  }),
  'fdb del': z.strictObject({
    mac: text('MAC address'),
    network: optional(text('network that it is on')),
    dryRun,
  }),
  'fdb flush': z.strictObject({
    network: optional(text('only of this network')),
    ns: optional(text('only of the endpoints of this namespace')),
  }),
  reconcile: z.strictObject({ dryRun }),
};
