/** A node of a lab: set up with the same operations that users would run on it, or removed. */
import { mkdirSync } from 'node:fs';
import type { ChangeResult } from '../api/change.js';
import type { LabSpec } from '../api/lab.js';
import { attach } from '../control/endpoint/attach.js';
import { detach } from '../control/endpoint/detach.js';
import { endpointList } from '../control/endpoint/list.js';
import { networkAdd, networkDelete, networkList } from '../control/network/network.js';
import { type Node, openNode } from '../control/node/node.js';
import { nodePaths } from '../control/node/paths.js';
import { reset } from '../control/node/reset.js';
import {
  remoteNodeAdd,
  remoteNodeDelete,
  remoteNodeList,
} from '../control/underlay/remote-nodes.js';
import { underlaySet } from '../control/underlay/underlay.js';
import { bindNetns } from '../linux/bpffs.js';
import { hostPath } from '../linux/mountns.js';
import { createNetns, deleteNetns, netnsExists, withNetnsRef } from '../linux/netns.js';
import { type LabNode, labNetworks, rangesOf, UNDERLAY_IFNAME } from './names.js';

/**
 * Bring a node to its requested form. Its namespace and the underlay's device already exist.
 * @returns whether anything was changed
 */
export async function raiseNode(
  spec: LabSpec,
  own: LabNode,
  nodes: readonly LabNode[],
): Promise<boolean> {
  return withNode(own, async (node) => {
    const changes = await dropSurplus(node, spec, own, nodes);
    const { vtep, number: self } = own;
    const { decap } = spec;
    changes.push(await underlaySet(node, { device: UNDERLAY_IFNAME, vtep, decap }));
    for (const network of labNetworks(spec)) {
      const { name, vni, subnets } = network;
      const ranges = rangesOf(network, self);
      changes.push(await networkAdd(node, { name, vni, subnets, ranges }));
    }
    for (const { number, where, vtep } of nodes) {
      if (number !== self) changes.push(await remoteNodeAdd(node, { name: where, vtep }));
    }
    const owner = { kind: 'lab', lab: spec.name } as const;
    for (const { ns, network } of own.endpoints) {
      changes.push(await attach(node, { ns, network: network.name, create: true, owner }));
    }
    return changes.some(({ changed }) => changed);
  });
}

/** Remove what an earlier form of the lab had and this one has not. */
async function dropSurplus(
  node: Node,
  spec: LabSpec,
  own: LabNode,
  nodes: readonly LabNode[],
): Promise<ChangeResult[]> {
  const changes: ChangeResult[] = [];
  const endpoints = new Set(own.endpoints.map(({ ns }) => ns));
  for (const { ns } of await endpointList(node)) {
    if (!endpoints.has(ns)) changes.push(await detach(node, { ns }));
  }
  const networks = new Set(labNetworks(spec).map(({ name }) => name));
  for (const { name } of await networkList(node)) {
    if (!networks.has(name)) changes.push(await networkDelete(node, { name }));
  }
  // Another family of addresses is another underlay: a node cannot be known by both at once.
  const known = new Map(nodes.map(({ where, vtep }) => [where, vtep]));
  for (const { name, dst } of await remoteNodeList(node)) {
    if (known.get(name) !== dst) changes.push(await remoteNodeDelete(node, { name }));
  }
  return changes;
}

/** Remove a node: everything that dpctl has made there, and its namespace. */
export async function removeNode(own: Pick<LabNode, 'ns' | 'root'>): Promise<void> {
  await withNode(own, async (node) => {
    await reset(node);
  });
  await deleteNetns(own.ns);
}

/** Open a node whose root and namespace belong together; both are made if necessary. */
async function withNode<T>(
  { ns, root }: Pick<LabNode, 'ns' | 'root'>,
  use: (node: Node) => Promise<T>,
): Promise<T> {
  if (!netnsExists(ns)) await createNetns(ns);
  await withNetnsRef(ns, ({ fd }) => {
    mkdirSync(hostPath(root), { recursive: true, mode: 0o700 });
    // A node that was never used would take the caller's namespace for its own.
    return bindNetns(fd, nodePaths(root).netns);
  });
  const node = openNode({ root });
  try {
    return await use(node);
  } finally {
    node.close();
  }
}
