/**
 * The schema of desired state: what a node was asked to be. Everything that the kernel holds for dpctl is a
 * pure function of this value (desired.ts), so numbers that the kernel needs (endpoint id, network index,
 * flood slot, ifindex) are assigned when the state is edited and are part of it.
 *
 * Addresses are text in canonical form: MAC lower-case with colons, IPv4 dotted, IPv6 as RFC 5952; prefixes
 * as ADDRESS/LENGTH with host bits zero.
 */
import * as z from 'zod/mini';
import {
  type ClusterState,
  clusterEndpointSchema,
  clusterNetworkSchema,
  staticFdbSchema,
} from './cluster.js';
import { type LocalState, localEndpointSchema, localNetworkSchema, sysctlSchema } from './local.js';
import {
  DECAPS,
  remoteFdbSchema,
  remoteSchema,
  resolvedUnderlaySchema,
  underlaySchema,
} from './overlay.js';

export type { Remote, RemoteFdb, StaticFdb } from './cluster.js';
export type { Driver, NamespaceRef, ResolvedUnderlay, SysctlChange, Underlay } from './local.js';
export { DECAPS, remoteSchema, resolvedUnderlaySchema, sysctlSchema, underlaySchema };

/** One element of the list; files are read as a whole, damaged ones element by element. */
export const networkSchema = z.object({
  ...clusterNetworkSchema.shape,
  ...localNetworkSchema.shape,
});

/** One element of the list; files are read as a whole, damaged ones element by element. */
export const endpointSchema = z.object({
  ...clusterEndpointSchema.shape,
  ...localEndpointSchema.shape,
});

/** Number of the save that wrote a record: the state's is the greater of the two. 0 if not set. */
const revisionSchema = z.optional(z.int());

/** What survives a reboot. Later additions are optional: older files lack them. */
export const durableSchema = z.object({
  version: z.int(),
  revision: revisionSchema,
  /** Random id of this root: the mark on what it makes in places where others make things too. */
  rootId: z.optional(z.string()),
  networks: z.array(networkSchema),
  underlay: z.optional(underlaySchema),
  nodes: z.optional(z.array(remoteSchema)),
  remoteFdb: z.optional(z.array(remoteFdbSchema)),
  /** The boot in which the node has endpoints: if the other record of that boot is missing, it was lost. */
  usedIn: z.optional(z.string()),
});

/** What is only valid until the next reboot. */
export const runtimeSchema = z.object({
  version: z.int(),
  revision: revisionSchema,
  /**
   * /proc/sys/kernel/random/boot_id when the record was written; another boot_id means that all of it is
   * gone.
   */
  bootId: z.string(),
  /** Copied from the other file: either may be lost. */
  rootId: z.optional(z.string()),
  /** Cookie of the node's own namespace: identifies it when its name is lost. */
  netns: z.optional(z.string()),
  /** A command has begun and not ended: the next one inspects the whole node and finishes it. */
  unfinished: z.optional(z.boolean()),
  /** A record of this boot was lost for good, so the full set of dpctl's changes is unknown. */
  untold: z.optional(z.boolean()),
  uplink: z.optional(resolvedUnderlaySchema),
  endpoints: z.array(endpointSchema),
  staticFdb: z.array(staticFdbSchema),
  sysctls: z.array(sysctlSchema),
});

export type Network = z.infer<typeof networkSchema>;
export type Endpoint = z.infer<typeof endpointSchema>;
export type Decap = (typeof DECAPS)[number];
export type DurableState = z.infer<typeof durableSchema>;
export type RuntimeState = z.infer<typeof runtimeSchema>;

/**
 * The desired state of a node: what other nodes may need to know, and what only its kernel does. Immutable.
 */
export interface State extends ClusterState, LocalState {
  readonly networks: readonly Network[];
  readonly endpoints: readonly Endpoint[];
}

/** A node of which nothing is requested. */
export const EMPTY_STATE: State = {
  networks: [],
  endpoints: [],
  staticFdb: [],
  sysctls: [],
  nodes: [],
  remoteFdb: [],
};
