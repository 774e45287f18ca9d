/**
 * The part of desired state that only this kernel can use: numbers and names of devices, namespaces, what
 * was there before. It stays on this machine, whatever store keeps the rest (cluster.ts).
 */
import * as z from 'zod/mini';
import type { resolvedUnderlaySchema, underlaySchema } from './overlay.js';

/** What each node chooses of a network. */
export const localNetworkSchema = z.object({
  /** Index in dp_network, from 1. */
  index: z.int(),
  /** Part of the subnet from which this node chooses addresses; the whole where it is not set. */
  range4: z.optional(z.string()),
  range6: z.optional(z.string()),
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

/** An endpoint as its kernel has it: devices, the namespace, and what is asked of them. */
export const localEndpointSchema = z.object({
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
  /** Place in the network's flood list, from 0. */
  slot: z.int(),
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

/** One of the list; files are read as a whole, damaged ones thing by thing. */
export const sysctlSchema = z.object({
  /** Path below /proc/sys, with slashes. */
  key: z.string(),
  /** What it was before dpctl changed it. */
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
  /** Random id of this root. Not there before the first change, and in files of an older dpctl. */
  readonly rootId?: string | undefined;
  readonly networks: readonly LocalNetwork[];
  readonly endpoints: readonly LocalEndpoint[];
  readonly sysctls: readonly SysctlChange[];
  readonly underlay?: Underlay | undefined;
  /** Not there while the underlay cannot be used, or none is asked for. */
  readonly uplink?: ResolvedUnderlay | undefined;
  /** Cookie of the node's own namespace. */
  readonly netns?: string | undefined;
  /** A command has begun and not ended. */
  readonly unfinished?: boolean | undefined;
  /** A record of this boot was lost for good. */
  readonly untold?: boolean | undefined;
}
