/**
 * The part of desired state that only this kernel can use: numbers and names of devices, namespaces, former
 * settings. It stays on this machine, wherever a store keeps the rest (cluster.ts).
 */
import * as z from 'zod/mini';
import type { resolvedUnderlaySchema, underlaySchema } from './overlay.js';

/** The settings of a network that each node chooses for itself. */
export const localNetworkSchema = z.object({
  /** Index in dp_network, from 1. */
  index: z.int(),
  /** Part of the subnet from which this node chooses addresses; the whole subnet if not set. */
  range4: z.optional(z.string()),
  range6: z.optional(z.string()),
  /** Prefixes of the subnets that this node owns. */
  own4: z.optional(z.string()),
  own6: z.optional(z.string()),
});

/** The kinds of an endpoint's device. */
export const DRIVERS = ['veth', 'netkit'] as const;

const namespaceSchema = z.object({
  /** As the user named it: a name in /run/netns, a path or a pid. */
  ref: z.string(),
  kind: z.enum(['name', 'path', 'pid', 'node']),
  /** Path at which it can be opened. */
  path: z.string(),
  /**
   * Cookie of the namespace, never reused (SO_NETNS_COOKIE), as decimal text: it has 64 bits. Empty for a
   * namespace that is still to be made.
   */
  cookie: z.string(),
  /** Made by `attach --create`, so that `detach` may delete it. */
  created: z.boolean(),
  /** The command that makes it has not ended: the namespace now exists, or is gone with the command. */
  pending: z.optional(z.boolean()),
});

/** The local part of an endpoint: devices, the namespace, and their requested settings. */
export const localEndpointSchema = z.object({
  /** Id of this root, which marks its devices; missing in records of an older dpctl. */
  root: z.optional(z.string()),
  namespace: namespaceSchema,
  /** Name of the interface inside the namespace. */
  ifname: z.string(),
  /** Host end: its name and its number in the node's namespace. */
  hostIfname: z.string(),
  ifindex: z.int(),
  /** Kind of both ends; veth if not set. */
  driver: z.optional(z.enum(DRIVERS)),
  /** Slot in the network's flood list, from 0. */
  slot: z.int(),
  /** Bytes of layer 3. */
  mtu: z.int(),
  /** No MTU was requested: it follows the underlay's. */
  mtuFollows: z.optional(z.boolean()),
  /** May not talk to other isolated endpoints. */
  isolated: z.boolean(),
  /** Anti-spoofing: only its own addresses may be a source. */
  lock: z.boolean(),
  /** Further source prefixes (an endpoint that forwards). */
  allowPrefixes: z.array(z.string()),
  /**
   * The veth existed before: its settings then, which `detach` restores. If not set, dpctl made the veth and
   * deletes it.
   */
  adopted: z.optional(
    z.object({
      mac: z.string(),
      mtu: z.int(),
      up: z.boolean(),
      hostMtu: z.int(),
      hostUp: z.boolean(),
      hostAlias: z.string(),
      /** GSO and GRO size of both ends in bytes; changed only by networks with BIG TCP. */
      gsoSize: z.optional(z.int()),
      hostGsoSize: z.optional(z.int()),
      /** Kinds of segments in tunnels that could leave it whole; off while another tunnel may follow. */
      tunnels: z.optional(z.array(z.string())),
    }),
  ),
  /** The loopback of the namespace was down before and is taken down again after. */
  raisedLoopback: z.boolean(),
  /** `attaching` and `detaching`: a command has not finished; the next one finishes it. */
  phase: z.enum(['attaching', 'ready', 'detaching']),
});

/** One element of the list; files are read as a whole, damaged ones element by element. */
export const sysctlSchema = z.object({
  /** Path below /proc/sys, with slashes. */
  key: z.string(),
  /** The value before dpctl changed it. */
  before: z.string(),
  value: z.string(),
});

export type Driver = (typeof DRIVERS)[number];
export type NamespaceRef = z.infer<typeof namespaceSchema>;
export type LocalNetwork = z.infer<typeof localNetworkSchema>;
export type LocalEndpoint = z.infer<typeof localEndpointSchema>;
export type SysctlChange = z.infer<typeof sysctlSchema>;
export type Underlay = z.infer<typeof underlaySchema>;
export type ResolvedUnderlay = z.infer<typeof resolvedUnderlaySchema>;

/** What only this kernel knows. */
export interface LocalState {
  /** Random id of this root. Missing before the first change, and in files of an older dpctl. */
  readonly rootId?: string | undefined;
  readonly networks: readonly LocalNetwork[];
  readonly endpoints: readonly LocalEndpoint[];
  readonly sysctls: readonly SysctlChange[];
  readonly underlay?: Underlay | undefined;
  /** Not set while the underlay cannot be used, or none is requested. */
  readonly resolvedUnderlay?: ResolvedUnderlay | undefined;
  /** Cookie of the node's own namespace. */
  readonly netns?: string | undefined;
  /** A command has begun and not ended. */
  readonly unfinished?: boolean | undefined;
  /** A record of this boot was lost for good. */
  readonly untold?: boolean | undefined;
}
