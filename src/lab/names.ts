/** Names and addresses of the parts of a lab: all are derived from numbers. */
import { join, resolve } from 'node:path';
import type { LabSpec } from '../api/lab.js';

/** The device of a node that leads to the others. */
export const UNDERLAY_IFNAME = 'under0';

/** Directory of the labs below a root directory. */
export function labsDir(root: string | undefined): string {
  return join(resolve(root ?? '/'), 'run/dpctl-lab');
}

/** An endpoint of a node. */
export interface LabEndpoint {
  /** Its name for users: n1e1, in further networks n1e1v2. */
  readonly where: string;
  readonly ns: string;
  readonly network: LabNetwork;
}

/** A network of all nodes. */
export interface LabNetwork {
  readonly name: string;
  readonly vni: number;
  readonly subnets: readonly string[];
}

/** A node, as requested. */
export interface LabNode {
  readonly number: number;
  /** Its name for users: n1. */
  readonly where: string;
  readonly ns: string;
  readonly root: string;
  /** Its underlay addresses as ADDRESS/LENGTH, one for each family. */
  readonly addresses: readonly [string, string];
  /** The address by which the others know it. */
  readonly vtep: string;
  readonly endpoints: readonly LabEndpoint[];
}

/** The namespace with the switch of the underlay. */
export function switchNs(lab: string): string {
  return `${lab}-sw`;
}

/** The namespace of a node (n1) or endpoint (n1e1) of a lab. */
export function nsOf(lab: string, where: string): string {
  return `${lab}-${where}`;
}

/** Whether a namespace belongs to a lab. */
export function isOfLab(lab: string, ns: string): boolean {
  return ns.startsWith(`${lab}-`) && /^(sw|n\d+(e\d+(v\d+)?)?)$/.test(ns.slice(lab.length + 1));
}

/** Number of the first network: its VNI, and the second byte of its addresses. */
const FIRST_NETWORK = 210;

/** The networks of a lab. */
export function labNetworks({ vnis }: Pick<LabSpec, 'vnis'>): LabNetwork[] {
  return Array.from({ length: vnis }, (_, i) => {
    const vni = FIRST_NETWORK + i;
    return { name: `net${i + 1}`, vni, subnets: [`10.${vni}.0.0/16`, `fd00:${vni}::/64`] };
  });
}

/** The part of a network's addresses that a node assigns. */
export function rangesOf({ vni }: LabNetwork, node: number): string[] {
  return [`10.${vni}.${node}.0/24`, `fd00:${vni}::${node.toString(16)}:0/112`];
}

/** The nodes of a lab. @param dir directory of the lab */
export function labNodes(spec: LabSpec, dir: string): LabNode[] {
  return Array.from({ length: spec.nodes }, (_, i) => labNode(spec, dir, i + 1));
}

/** The node with a number, even one that was not requested. */
export function labNode(spec: LabSpec, dir: string, number: number): LabNode {
  const where = `n${number}`;
  const addresses = [`172.31.210.${number}/24`, `fd00:31::${number.toString(16)}/64`] as const;
  const [ip4, ip6] = addresses;
  return {
    number,
    where,
    ns: nsOf(spec.name, where),
    root: join(dir, where),
    addresses,
    vtep: (spec.family === 'ip4' ? ip4 : ip6).split('/')[0] ?? '',
    endpoints: labNetworks(spec).flatMap((network, v) =>
      Array.from({ length: spec.endpoints }, (_, e) => {
        const own = `${where}e${e + 1}${v === 0 ? '' : `v${v + 1}`}`;
        return { where: own, ns: nsOf(spec.name, own), network };
      }),
    ),
  };
}
