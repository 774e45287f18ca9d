/** A node of a lab: brought to what it is to be by what people would do on it, or taken away. */
import { mkdirSync } from 'node:fs';
import { closeFd } from '../../loader/sys.js';
import {
  attach,
  detach,
  endpointList,
  type Node,
  networkAdd,
  networkDelete,
  networkList,
  nodeAdd,
  nodeDelete,
  nodeList,
  openNode,
  reset,
  underlaySet,
} from '../control/api.js';
import { nodePaths } from '../control/node.js';
import { bindNetns } from '../kernel/bpffs.js';
import { hostPath } from '../kernel/mountns.js';
import { createNetns, deleteNetns, netnsExists, openNetnsRef } from '../kernel/netns.js';
import { type LabNode, labNetworks, rangesOf, UNDERLAY_IFNAME } from './names.js';
import type { LabSpec } from './spec.js';

/** Make a node what it is to be. Its namespace and the underlay's device are there. */
export async function raiseNode(
  spec: LabSpec,
  own: LabNode,
  nodes: readonly LabNode[],
): Promise<void> {
  await withNode(own, async (node) => {
    await dropSurplus(node, spec, own, nodes);
    await underlaySet(node, {
      device: UNDERLAY_IFNAME,
      vtep: own.vtep,
      decap: spec.decap,
    });
    for (const network of labNetworks(spec)) {
      const { name, vni, subnets } = network;
      await networkAdd(node, { name, vni, subnets, ranges: rangesOf(network, own.number) });
    }
    for (const { number, where, vtep } of nodes) {
      if (number !== own.number) await nodeAdd(node, { name: where, vtep });
    }
    for (const { ns, network } of own.endpoints) {
      await attach(node, { ns, network: network.name, create: true });
    }
  });
}

/** What an earlier form of the lab had and this one has not. */
async function dropSurplus(
  node: Node,
  spec: LabSpec,
  own: LabNode,
  nodes: readonly LabNode[],
): Promise<void> {
  const endpoints = new Set(own.endpoints.map(({ ns }) => ns));
  for (const { ns } of endpointList(node)) {
    if (!endpoints.has(ns)) await detach(node, { ns });
  }
  const networks = new Set(labNetworks(spec).map(({ name }) => name));
  for (const { name } of networkList(node)) {
    if (!networks.has(name)) await networkDelete(node, { name });
  }
  // Another family of addresses is another underlay: nobody can be known by both at once.
  const known = new Map(nodes.map(({ where, vtep }) => [where, vtep]));
  for (const { name, dst } of nodeList(node)) {
    if (known.get(name) !== dst) await nodeDelete(node, { name });
  }
}

/** Take a node away: all that dpctl has made, and its namespace. */
export async function removeNode(own: Pick<LabNode, 'ns' | 'root'>): Promise<void> {
  await withNode(own, async (node) => {
    await reset(node);
  });
  await deleteNetns(own.ns);
}

/** Open a node whose root and namespace belong together; both are made if need be. */
export async function withNode<T>(
  { ns, root }: Pick<LabNode, 'ns' | 'root'>,
  use: (node: Node) => Promise<T>,
): Promise<T> {
  if (!netnsExists(ns)) await createNetns(ns);
  const { fd } = openNetnsRef(ns);
  try {
    mkdirSync(hostPath(root), { recursive: true, mode: 0o700 });
    // A node that was never used would take the namespace of whoever asks for its own.
    await bindNetns(fd, nodePaths(root).netns);
  } finally {
    closeFd(fd);
  }
  const node = openNode({ root });
  try {
    return await use(node);
  } finally {
    node.close();
  }
}
