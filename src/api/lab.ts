/** What the lab takes and gives. */

/** A lab as it is asked for. */
export interface LabSpec {
  readonly name: string;
  readonly nodes: number;
  /** Of each node in each network. */
  readonly endpoints: number;
  readonly vnis: number;
  /** gso: a veth as it is, which passes segments whole; wire: they are cut, and merged on arrival. */
  readonly underlay: 'gso' | 'wire';
  readonly family: 'ip4' | 'ip6';
  readonly decap: 'auto' | 'tc' | 'tc-gro' | 'xdp';
  /** Bytes of layer 3 of the underlay. */
  readonly mtu: number;
  /** Percent of the packets towards each node. */
  readonly loss: number;
  /** Milliseconds towards each node. */
  readonly delay: number;
}

/** What is asked of a lab: what is left out stays as it is, or has its default. */
export type LabRequest = { readonly name: string } & {
  readonly [K in keyof LabSpec]?: LabSpec[K] | undefined;
};

/** A node or an endpoint of a lab. */
export interface LabRow {
  readonly lab: string;
  /** n1, n1e1 ... */
  readonly where: string;
  /** The switch is named only where nothing else is left. */
  readonly kind: 'node' | 'endpoint' | 'switch';
  /** missing: it was deleted, or never made; damaged: it is there, and not as the lab needs it. */
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

/** What lab up did. */
export interface LabUp {
  readonly spec: LabSpec;
  readonly rows: readonly LabRow[];
  /** False where all was as requested already; of the underlay only what is recorded counts. */
  readonly changed: boolean;
  readonly milliseconds: number;
}
