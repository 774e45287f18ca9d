/** The control core in this process, on the node of a lab: a hundred changes cost no hundred starts. */
import { closeFd, openFd } from '../../loader/sys/files.js';
import { inNetns } from '../../loader/sys/netns.js';
import { type Node, openNode } from '../../src/control/node/node.js';

/**
 * Open the node of a lab, as a command started in its namespace would. Close it.
 * @param lab name of the node's namespace, and its root directory
 */
export function openLabNode(lab: { readonly node: string; readonly root: string }): Node {
  const fd = openFd(`/run/netns/${lab.node}`);
  try {
    return inNetns(fd, () => {
      const node = openNode({ root: lab.root });
      // Opened here: later it would be the namespace that the tests run in.
      node.netnsFd();
      return node;
    });
  } finally {
    closeFd(fd);
  }
}
