/** Two dpctl nodes and a kernel node with a common segment; a second segment on the dpctl nodes. */

import { vtep4, vtep6 } from './address-plan.js';
import { type Fabric, type FabricOptions, makeFabric } from './fabric.js';
import type { NodeOptions, OverlayNode } from './node.js';
import { makePeer, type Peer } from './peer.js';

/** VNIs of the networks 1 and 2. */
export const VNI = 100;
export const OTHER_VNI = 200;

export interface Segment {
  readonly fabric: Fabric;
  readonly one: OverlayNode;
  readonly two: OverlayNode;
  readonly peer: Peer;
  close(): void;
}

/** Create nodes 1 and 2 and peer 3. The test adds containers. */
export function makeSegment(node: Partial<NodeOptions> = {}, options: FabricOptions = {}): Segment {
  const fabric = makeFabric(options);
  try {
    const { family = 4 } = node;
    const vtep = family === 4 ? vtep4 : vtep6;
    const one = fabric.node(1, node);
    const two = fabric.node(2, node);
    const peer = makePeer(fabric, { number: 3, family, vni: VNI, nodes: [1, 2] });
    for (const [here, other] of [
      [one, 2],
      [two, 1],
    ] as const) {
      here.peer(other, vtep(other));
      here.peer(3, vtep(3));
      here.network(1, VNI, [other, 3]);
      here.network(2, OTHER_VNI, [other]);
    }
    return { fabric, one, two, peer, close: () => fabric.close() };
  } catch (error) {
    fabric.close();
    throw error;
  }
}

/** By how much the counters of reasons grew during an action. */
export async function reasonsDuring(
  node: OverlayNode,
  act: () => unknown,
): Promise<Record<string, number>> {
  const before = node.reasons();
  await act();
  const grown = Object.entries(node.reasons()).map(
    ([name, count]) => [name, count - (before[name] ?? 0)] as const,
  );
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}
