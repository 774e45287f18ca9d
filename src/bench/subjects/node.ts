/** A dpctl node for a measurement. Its namespace and root directory are deleted with the sandbox. */
import { inNetns } from '../../../loader/sys/netns.js';
import { type Node, openNode } from '../../control/node/node.js';
import type { Namespace, Sandbox } from './sandbox.js';

/** A node to measure. */
export interface BenchNode {
  readonly node: Node;
  readonly space: Namespace;
  readonly root: string;
}

/** Command that starts dpctl: `node dpctl.cjs`. */
export type Program = readonly string[];

/** Create a node. The first attach prepares it. */
export function openBenchNode(sandbox: Sandbox, label: string): BenchNode {
  const space = sandbox.namespace(label);
  const root = sandbox.folder(`${label}-root`);
  const node = inNetns(space.fd, () => {
    const opened = openNode({ root });
    // Open the namespace now: later calls run in the namespace in which the run was started.
    opened.netnsFd();
    return opened;
  });
  sandbox.defer(() => node.close());
  return { node, space, root };
}
