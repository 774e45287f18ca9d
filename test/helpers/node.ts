/** The control code in this process, on the node of a lab: without the start of a process for each change. */
import { closeFd, openFd } from '../../loader/sys/files.js';
import { inNetns } from '../../loader/sys/netns.js';
import { type Node, openNode } from '../../src/control/node/node.js';

/**
 * Open the node of a lab, as a command in its namespace would. The caller closes it.
 * @param lab name of the node's namespace, and its root directory
 */
export function openLabNode(lab: { readonly node: string; readonly root: string }): Node {
  const fd = openFd(`/run/netns/${lab.node}`);
  try {
    return inNetns(fd, () => {
      const node = openNode({ root: lab.root });
      // Opened now: later it would be the namespace in which the tests run.
      node.netnsFd();
      return node;
    });
  } finally {
    closeFd(fd);
  }
}
