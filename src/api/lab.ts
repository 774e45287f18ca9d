/** Requests and rows of the lab commands. */

/** Specification of a lab. */
export interface LabSpec {
  readonly name: string;
  readonly nodes: number;
  /** Number of endpoints per node and network. */
  readonly endpoints: number;
  readonly vnis: number;
  /** gso: a plain veth, which passes GSO segments whole. wire: segments are split, and merged on arrival. */
  readonly underlay: 'gso' | 'wire';
  readonly family: 'ip4' | 'ip6';
  readonly decap: 'auto' | 'tc' | 'tc-gro' | 'xdp';
  /** Layer 3 MTU of the underlay, in bytes. */
  readonly mtu: number;
  /** Packet loss towards each node, in percent. */
  readonly loss: number;
  /** Delay towards each node, in milliseconds. */
  readonly delay: number;
}

/** Request for a lab. Members that are not set keep their value, or have their default in a new lab. */
export type LabRequest = { readonly name: string } & {
  readonly [K in keyof LabSpec]?: LabSpec[K] | undefined;
};

/** A node or endpoint of a lab. */
export interface LabRow {
  readonly lab: string;
  /** Name in the lab: n1, n1e1 ... */
  readonly where: string;
  /** switch: listed only if nothing else of the lab is left. */
  readonly kind: 'node' | 'endpoint' | 'switch';
  /** missing: deleted, or never created. damaged: it exists, but differs from what the lab needs. */
  readonly state: 'up' | 'damaged' | 'missing';
  readonly ns: string;
  readonly network: string;
  readonly vni: number;
  readonly ip4: string;
  readonly ip6: string;
  readonly mac: string;
  /** Root directory of the node. */
  readonly root: string;
}

/** Result of `lab up`. */
export interface LabUp {
  readonly spec: LabSpec;
  readonly rows: readonly LabRow[];
  /** false: all was as requested already. Only the recorded settings of the underlay are compared. */
  readonly changed: boolean;
  readonly milliseconds: number;
}
