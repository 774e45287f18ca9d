/** The part of desired state's schema that is about other nodes and the way to them. */
import * as z from 'zod/mini';

/** Decap modes: at TC, at TC with the kernel's tunnel GRO, in the driver. */
export const DECAPS = ['tc', 'tc-gro', 'xdp'] as const;
/** Who knows on arrival whether checksums are right. */
const CHECKSUMS = ['driver', 'nobody', 'sender'] as const;

/** How this node is to reach others, as asked. */
export const underlaySchema = z.object({
  /** Name of the device that carries VXLAN. */
  device: z.string(),
  /** UDP port of VXLAN. */
  port: z.int(),
  decap: z.enum(['auto', ...DECAPS]),
  /** Address of this node; without it, a global one of the device. */
  vtep: z.optional(z.string()),
});

/** Another node. One of the list; files are read as a whole, damaged ones thing by thing. */
export const remoteSchema = z.object({
  name: z.string(),
  /** Number from 1; index in dp_node. */
  number: z.int(),
  /** Address to which VXLAN for it is sent, and from which its own comes. */
  vtep: z.string(),
});

/** What is told of a MAC behind another node. */
export const remoteFdbSchema = z.object({
  /** Name of the network. */
  network: z.string(),
  mac: z.string(),
  /** Number of the node behind which the MAC is. */
  node: z.int(),
  /** Addresses of the MAC, for which requests are answered here. */
  ips: z.array(z.string()),
});

/** What was found of the underlay, and chosen by it, when the kernel was last changed. */
export const resolvedUnderlaySchema = z.object({
  ifindex: z.int(),
  /** Bytes of layer 3 of the device. */
  mtu: z.int(),
  vtep: z.string(),
  decap: z.enum(DECAPS),
  /** Why that way: a clause for people. */
  why: z.string(),
  /** Ways that were tried here and that the kernel refused. */
  refused: z.array(z.object({ decap: z.enum(DECAPS), why: z.string() })),
  /** Number of the device through which copies of a frame go to nodes. */
  replicator: z.int(),
  /**
   * Number of the device that has the UDP port in the kernel's eyes: for its sake the kernel merges
   * VXLAN packets (GRO), and hears what routers say of their size.
   */
  anchor: z.optional(z.int()),
  /** A VXLAN device of somebody else that does the same. */
  tunnel: z.optional(z.string()),
  /** MAC of the device. */
  mac: z.optional(z.string()),
  /** Who knows on arrival which checksums are right: the driver, nobody yet, or, of a veth, the sender. */
  checksums: z.optional(z.enum(CHECKSUMS)),
});
