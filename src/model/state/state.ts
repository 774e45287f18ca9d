/**
 * The schema of desired state: what a node is asked to be. Everything the kernel
 * holds for dpctl is a pure function of this value (desired.ts), so numbers that
 * the kernel needs (endpoint id, network index, flood slot, ifindex) are assigned
 * when the state is edited and are part of it.
 *
 * Addresses are text in canonical form: MAC lower-case with colons, IPv4 dotted,
 * IPv6 as RFC 5952; prefixes as ADDRESS/LENGTH with host bits zero.
 */
import * as z from 'zod/mini';
import { DECAPS, remoteFdbSchema, remoteSchema, underlaySchema, uplinkSchema } from './overlay.js';

export { DECAPS, remoteSchema, underlaySchema, uplinkSchema };

/** Raised when a field changes its meaning; an older dpctl refuses a newer number. */
export const STATE_VERSION = 1;

const gatewaySchema = z.object({
  /** Address of the host on the segment, IPv4. */
  ip4: z.optional(z.string()),
  /** Address of the host on the segment, IPv6. */
  ip6: z.optional(z.string()),
});

/** One of the list; files are read as a whole, damaged ones thing by thing. */
export const networkSchema = z.object({
  name: z.string(),
  /** Index in dp_network, from 1. */
  index: z.int(),
  /** VXLAN network identifier, 1 to 2^24 - 1 (RFC 7348, section 5). */
  vni: z.int(),
  subnet4: z.optional(z.string()),
  subnet6: z.optional(z.string()),
  /** Part of the subnet from which this node chooses addresses; the whole where it is not set. */
  range4: z.optional(z.string()),
  range6: z.optional(z.string()),
  /** Seconds until a silent learned MAC is forgotten; 0: never. */
  ageing: z.int(),
  gateway: z.optional(gatewaySchema),
  /** Traffic that leaves the segment through the gateway takes the host's address. */
  masquerade: z.boolean(),
  /** Traffic may pass between its gateway and those of other networks that allow it, too. */
  routeBetween: z.optional(z.boolean()),
  /** 192 KB GSO/GRO at the endpoints. */
  bigTcp: z.boolean(),
  /** Bit N: frames to 01:80:c2:00:00:0N are forwarded, as by a bridge's group_fwd_mask; none where it is not set. */
  groupFwdMask: z.optional(z.int()),
});

/** Kinds of device that an endpoint can be. */
export const DRIVERS = ['veth', 'netkit'] as const;

const namespaceSchema = z.object({
  /** As the user named it: a name in /run/netns, a path or a pid. */
  ref: z.string(),
  kind: z.enum(['name', 'path', 'pid', 'node']),
  /** Where it can be opened. */
  path: z.string(),
  /**
   * Identity that is never reused (SO_NETNS_COOKIE), as decimal text: it has 64 bits. Empty for a
   * namespace that is still to be made.
   */
  cookie: z.string(),
  /** Made by `attach --create`, so that `detach` may delete it. */
  created: z.boolean(),
  /** The command that makes it has not ended: by now it is there, or gone with the command. */
  pending: z.optional(z.boolean()),
});

/** One of the list; files are read as a whole, damaged ones thing by thing. */
export const endpointSchema = z.object({
  /** Number from 1; index in dp_epstat and dp_learned. */
  id: z.int(),
  /** Id of this root, with which its devices are marked; records of an older dpctl lack it. */
  root: z.optional(z.string()),
  namespace: namespaceSchema,
  /** Name of the interface inside the namespace. */
  ifname: z.string(),
  /** Host end: its name and its number in the node's namespace. */
  hostIfname: z.string(),
  ifindex: z.int(),
  /** Kind of both ends; a veth where nothing is said. */
  driver: z.optional(z.enum(DRIVERS)),
  /** Name of the network. */
  network: z.string(),
  /** Place in the network's flood list, from 0. */
  slot: z.int(),
  mac: z.string(),
  /** ADDRESS/LENGTH, where the length is that of its subnet; as is ip6. */
  ip4: z.optional(z.string()),
  ip6: z.optional(z.string()),
  /** Bytes of layer 3. */
  mtu: z.int(),
  /** Nobody asked for that MTU: it follows the underlay's. */
  mtuFollows: z.optional(z.boolean()),
  /** May not talk to other isolated endpoints. */
  isolated: z.boolean(),
  /** Only its own addresses may be a source. */
  lock: z.boolean(),
  /** Further source prefixes (an endpoint that forwards). */
  allowPrefixes: z.array(z.string()),
  /**
   * The veth existed before: its settings then, put back by `detach`. Without it
   * the veth is ours to delete.
   */
  adopted: z.optional(
    z.object({
      mac: z.string(),
      mtu: z.int(),
      up: z.boolean(),
      hostMtu: z.int(),
      hostUp: z.boolean(),
      hostAlias: z.string(),
      /** Bytes of GSO and GRO of both ends; changed by networks with BIG TCP only. */
      gsoSize: z.optional(z.int()),
      hostGsoSize: z.optional(z.int()),
      /** Kinds of segments in tunnels that left it whole; off while another tunnel may follow. */
      tunnels: z.optional(z.array(z.string())),
    }),
  ),
  /** The loopback of the namespace was down before and goes down again after. */
  raisedLoopback: z.boolean(),
  /** `attaching` and `detaching` are commands that have not finished; the next one finishes them. */
  phase: z.enum(['attaching', 'ready', 'detaching']),
});

const staticFdbSchema = z.object({
  network: z.string(),
  mac: z.string(),
  /** Number of the endpoint behind which the MAC is. */
  endpoint: z.int(),
});

/** One of the list; files are read as a whole, damaged ones thing by thing. */
export const sysctlSchema = z.object({
  /** Path below /proc/sys, with slashes. */
  key: z.string(),
  /** What it was before dpctl changed it. */
  before: z.string(),
  value: z.string(),
});

/** Number of the save that wrote a record: the state's is the greater of the two. 0 where it is not set. */
const revisionSchema = z.optional(z.int());

/** What outlives a boot. What came later is optional: older files lack it. */
export const durableSchema = z.object({
  version: z.int(),
  revision: revisionSchema,
  /** Random id of this root: the mark on all that it makes where others make things, too. */
  rootId: z.optional(z.string()),
  networks: z.array(networkSchema),
  underlay: z.optional(underlaySchema),
  nodes: z.optional(z.array(remoteSchema)),
  remoteFdb: z.optional(z.array(remoteFdbSchema)),
  /** The boot in which the node has endpoints: without the other record of that boot, that was lost. */
  usedIn: z.optional(z.string()),
});

/** What lives as long as the kernel it describes. */
export const runtimeSchema = z.object({
  version: z.int(),
  revision: revisionSchema,
  /** /proc/sys/kernel/random/boot_id when it was written; another one means that all of it is gone. */
  bootId: z.string(),
  /** As in the other file: either may be lost. */
  rootId: z.optional(z.string()),
  /** Cookie of the node's own namespace: who it is where its name is lost. */
  netns: z.optional(z.string()),
  /** A command has begun and not ended: the next one looks at all of the node, and finishes it. */
  unfinished: z.optional(z.boolean()),
  /** A record of this boot was lost for good, so nobody can tell all that dpctl has changed. */
  untold: z.optional(z.boolean()),
  uplink: z.optional(uplinkSchema),
  endpoints: z.array(endpointSchema),
  staticFdb: z.array(staticFdbSchema),
  sysctls: z.array(sysctlSchema),
});

export type Network = z.infer<typeof networkSchema>;
export type NamespaceRef = z.infer<typeof namespaceSchema>;
export type Endpoint = z.infer<typeof endpointSchema>;
export type Driver = (typeof DRIVERS)[number];
export type StaticFdb = z.infer<typeof staticFdbSchema>;
export type SysctlChange = z.infer<typeof sysctlSchema>;
export type Decap = (typeof DECAPS)[number];
export type Underlay = z.infer<typeof underlaySchema>;
/** Another node: `Node` is this one. */
export type Remote = z.infer<typeof remoteSchema>;
export type RemoteFdb = z.infer<typeof remoteFdbSchema>;
export type Uplink = z.infer<typeof uplinkSchema>;
export type DurableState = z.infer<typeof durableSchema>;
export type RuntimeState = z.infer<typeof runtimeSchema>;

/** The desired state of a node, both files together. Treated as immutable. */
export interface State {
  /** Random id of this root. Not there before the first change, and in files of an older dpctl. */
  readonly rootId?: string | undefined;
  readonly networks: readonly Network[];
  readonly endpoints: readonly Endpoint[];
  readonly staticFdb: readonly StaticFdb[];
  readonly sysctls: readonly SysctlChange[];
  readonly underlay?: Underlay | undefined;
  /** Not there while the underlay cannot be used, or none is asked for. */
  readonly uplink?: Uplink | undefined;
  /** Other nodes, in the order of their numbers. */
  readonly nodes: readonly Remote[];
  readonly remoteFdb: readonly RemoteFdb[];
  /** Cookie of the node's own namespace. */
  readonly netns?: string | undefined;
  /** A command has begun and not ended. */
  readonly unfinished?: boolean | undefined;
  /** A record of this boot was lost for good. */
  readonly untold?: boolean | undefined;
}

/** A node of which nothing is asked. */
export const EMPTY_STATE: State = {
  networks: [],
  endpoints: [],
  staticFdb: [],
  sysctls: [],
  nodes: [],
  remoteFdb: [],
};
