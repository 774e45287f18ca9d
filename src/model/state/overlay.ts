/** The part of desired state's schema about other nodes and the underlay. */
import * as z from 'zod/mini';

/** Decap modes: at TC, at TC with the kernel's tunnel GRO, in the driver. */
export const DECAPS = ['tc', 'tc-gro', 'xdp'] as const;
/** Who knows on arrival whether checksums are correct. */
const CHECKSUMS = ['driver', 'nobody', 'sender'] as const;

/** The requested underlay. */
export const underlaySchema = z.object({
  /** Name of the device that carries VXLAN. */
  device: z.string(),
  /** UDP port of VXLAN. */
  port: z.int(),
  decap: z.enum(['auto', ...DECAPS]),
  /** Address of this node; if not set, a global one of the device. */
  vtep: z.optional(z.string()),
});

/** Another node, as one element of the list; files are read as a whole, damaged ones element by element. */
export const remoteSchema = z.object({
  name: z.string(),
  /** Number from 1; index in dp_node. */
  number: z.int(),
  /** Address to which its VXLAN is sent, and from which it sends. */
  vtep: z.string(),
  /** Known from the cluster, which may take it away again; if not set, a user has added it. */
  cluster: z.optional(z.literal(true)),
  /** Names of the networks whose floods go to it; all of them if not set. */
  networks: z.optional(z.array(z.string())),
  /** Prefixes of networks that it owns, sorted. */
  prefixes: z.optional(z.array(z.object({ network: z.string(), prefix: z.string() }))),
});

/** A static MAC behind another node. */
export const remoteFdbSchema = z.object({
  /** Name of the network. */
  network: z.string(),
  mac: z.string(),
  /** Number of the node that has the MAC. */
  node: z.int(),
  /** Addresses of the MAC, for which this node answers requests. */
  ips: z.array(z.string()),
});

/** What was observed of the underlay, and chosen from that, when the kernel was last changed. */
export const resolvedUnderlaySchema = z.object({
  ifindex: z.int(),
  /** Bytes of layer 3 of the device. */
  mtu: z.int(),
  vtep: z.string(),
  decap: z.enum(DECAPS),
  /** Why that mode, as a clause for the user. */
  why: z.string(),
  /** Modes that were tried here and refused by the kernel. */
  refused: z.array(z.object({ decap: z.enum(DECAPS), why: z.string() })),
  /** Number of the device through which copies of a frame go to other nodes. */
  replicator: z.int(),
  /**
   * Number of the device that holds the UDP port in the kernel: because of it the kernel merges VXLAN packets
   * (GRO) and processes routers' messages about their size.
   */
  anchor: z.optional(z.int()),
  /** Another owner's VXLAN device that does the same. */
  tunnel: z.optional(z.string()),
  /** MAC of the device. */
  mac: z.optional(z.string()),
  /** Where checksums are verified on arrival: by the driver, not yet, or, for a veth, by the sender. */
  checksums: z.optional(z.enum(CHECKSUMS)),
});
