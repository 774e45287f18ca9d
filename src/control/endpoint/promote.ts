/**
 * Promotion: a tcx link takes the place of the filter by which the program of an endpoint was attached first.
 * A link cannot be removed by `tc`, and others' programs have places of their own beside it. But while the
 * kernel makes one it waits for all CPUs with the lock of all devices held, so no attach should wait for it.
 */
import type { ChangeResult } from '../../api/change.js';
import { attachHook, linkNumbers, usesTcx } from '../../datapath/hook.js';
import { isBpffs } from '../../linux/bpffs.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { faultPoint } from '../change/fault-injection.js';
import { hostEndOf } from '../change/own-device.js';
import { refuseOtherNamespace } from '../node/namespace.js';
import { hostPins, type Node } from '../node/node.js';

/** Endpoints that have no link yet. Reads names only. */
export function unpromoted(node: Node, { endpoints }: State): Endpoint[] {
  if (!usesTcx()) return [];
  const linked = linkNumbers(hostPins(node));
  return endpoints.filter(({ id, phase }) => phase === 'ready' && !linked.has(id));
}

/**
 * Give one endpoint a link, under the node's lock. The link is attached before the filter goes, and its verdict
 * is final, so each frame is handled exactly once. A killed promotion leaves the filter alone or both; the next
 * full look removes the filter beside a link.
 * @returns undefined if there was nothing to promote
 * @throws DpctlError STORE_BUSY, exit 5; what the kernel refuses, if it refuses every link
 */
export async function promoteOne(node: Node): Promise<ChangeResult | undefined> {
  const start = performance.now();
  if (!isBpffs(node.paths.bpfDir)) return undefined;
  const release = await node.store.lock();
  try {
    node.refresh();
    const { state } = await node.store.load();
    refuseOtherNamespace(node, state);
    // What a killed change left is for the next change.
    if (state.unfinished === true) return undefined;
    const endpoint = promoteFirst(node, unpromoted(node, state));
    if (endpoint === undefined) return undefined;
    const { id, ifindex } = endpoint;
    const row = { step: 'tc.promote', subject: `endpoint ${id}`, detail: `ifindex ${ifindex}` };
    return { changed: true, plan: [row], notes: [], milliseconds: performance.now() - start };
  } finally {
    release();
  }
}

/** Promote the first endpoint for which it works: one that is being deleted must not hold up the others. */
function promoteFirst(node: Node, endpoints: readonly Endpoint[]): Endpoint | undefined {
  let failure: unknown;
  for (const endpoint of endpoints) {
    if (hostEndOf(node, endpoint) === undefined) continue;
    faultPoint('promote');
    try {
      attachHook(hostPins(node), node.netnsFd(), endpoint.id, endpoint.ifindex);
      return endpoint;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}
