/** A node of dpctl's for a measurement: a namespace and a root of its own, that go with the sandbox. */
import { inNetns } from '../../../loader/sys/netns.js';
import { type Node, openNode } from '../../control/node/node.js';
import type { Namespace, Sandbox } from './sandbox.js';

/** A node to measure. */
export interface BenchNode {
  readonly node: Node;
  readonly space: Namespace;
  readonly root: string;
}

/** How dpctl is started as a program: `node dpctl.cjs`. */
export type Program = readonly string[];

/** Make a node. It is not prepared yet: the first attach does that. */
export function openBenchNode(sandbox: Sandbox, label: string): BenchNode {
  const space = sandbox.namespace(label);
  const root = sandbox.folder(`${label}-root`);
  const node = inNetns(space.fd, () => {
    const opened = openNode({ root });
    // Opened in here: later it would be the namespace that the run was started in.
    opened.netnsFd();
    return opened;
  });
  sandbox.defer(() => node.close());
  return { node, space, root };
}
