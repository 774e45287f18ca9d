/**
 * The part of desired state that other nodes may need: a store may keep it where all of them can read it.
 * What only this kernel uses is in local.ts; state.ts combines both.
 */
import * as z from 'zod/mini';
import type { remoteFdbSchema, remoteSchema } from './overlay.js';

const gatewaySchema = z.object({
  /** Address of the host on the segment, IPv4. */
  ip4: z.optional(z.string()),
  /** Address of the host on the segment, IPv6. */
  ip6: z.optional(z.string()),
});

/** A network, without what each node chooses for itself. */
export const clusterNetworkSchema = z.object({
  name: z.string(),
  /** VXLAN network identifier, 1 to 2^24 - 1 (RFC 7348, section 5). */
  vni: z.int(),
  subnet4: z.optional(z.string()),
  subnet6: z.optional(z.string()),
  /** Seconds until a silent learned MAC is forgotten; 0: never. */
  ageing: z.int(),
  gateway: z.optional(gatewaySchema),
  /** Traffic that leaves the segment through the gateway takes the host's address. */
  masquerade: z.boolean(),
  /** Traffic may pass between its gateway and those of other networks that allow it too. */
  routeBetween: z.optional(z.boolean()),
  /** 192 KB GSO/GRO at the endpoints. */
  bigTcp: z.boolean(),
  /**
   * Bit N: frames to 01:80:c2:00:00:0N are forwarded, as with a bridge's group_fwd_mask; if not set, none
   * are.
   */
  groupFwdMask: z.optional(z.int()),
  /** false: frames to unknown MACs are dropped. */
  floodUnknown: z.optional(z.literal(false)),
  /** false: MACs behind other nodes are not learned. */
  learnNodes: z.optional(z.literal(false)),
});

/** Who made an endpoint. */
const ownerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('lab'), lab: z.string() }),
  z.object({
    kind: z.literal('cni'),
    /** Name of the network configuration. */
    config: z.string(),
    /** Id of the container and name of the requested interface, by which CNI identifies an attachment. */
    container: z.string(),
    ifname: z.string(),
  }),
]);

/** An endpoint as others on its network see it. */
export const clusterEndpointSchema = z.object({
  /** Number from 1 on its node; index in dp_epstat and dp_learned there. */
  id: z.int(),
  /** Name of the network. */
  network: z.string(),
  mac: z.string(),
  /** ADDRESS/LENGTH, where the length is that of its subnet; as is ip6. */
  ip4: z.optional(z.string()),
  ip6: z.optional(z.string()),
  /** A person if not set. */
  owner: z.optional(ownerSchema),
  /** Values by key, as Kubernetes accepts them; sorted by key. */
  labels: z.optional(z.record(z.string(), z.string())),
});

/** A static MAC behind an endpoint, added by a user. */
export const staticFdbSchema = z.object({
  network: z.string(),
  mac: z.string(),
  /** Number of the endpoint behind which the MAC is. */
  endpoint: z.int(),
});

export type ClusterNetwork = z.infer<typeof clusterNetworkSchema>;
export type ClusterEndpoint = z.infer<typeof clusterEndpointSchema>;
export type StaticFdb = z.infer<typeof staticFdbSchema>;
/** Another node: `Node` means this one. */
export type Remote = z.infer<typeof remoteSchema>;
export type RemoteFdb = z.infer<typeof remoteFdbSchema>;

/** What other nodes may need to know. */
export interface ClusterState {
  readonly networks: readonly ClusterNetwork[];
  /** Endpoints of this node. */
  readonly endpoints: readonly ClusterEndpoint[];
  readonly staticFdb: readonly StaticFdb[];
  /** Other nodes, sorted by number. */
  readonly nodes: readonly Remote[];
  readonly remoteFdb: readonly RemoteFdb[];
}
