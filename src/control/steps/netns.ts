/** netns.create and netns.delete: name the namespaces that dpctl makes, and delete them. */
import { linkGet } from '../../linux/netlink/link.js';
import { deleteNetns } from '../../linux/netns.js';
import { nameNetns, netnsPlace } from '../../linux/netns-make.js';
import type { StepOf } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import { withNamespace } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';
import { nothingToUndo, type StepActions } from './actions.js';

/**
 * Milliseconds to wait until the kernel has deleted the devices of a deleted namespace: one kernel thread
 * does it for all namespaces of the machine, one after another.
 */
const NETNS_CLEANUP = 10_000;

/** Give the namespace that was made for an endpoint its name. */
export const netnsCreate: StepActions<StepOf<'netns.create'>> = {
  async execute(_node, { endpoint: { namespace } }, { namespaces }) {
    const fd = namespaces?.get(namespace.path);
    if (fd === undefined) throw new Error(`no step has made the namespace for ${namespace.path}`);
    await nameNetns(namespace.ref, fd);
  },
  undo: (node, { endpoint }) => removeNamespace(node, endpoint),
  describe: ({ endpoint }) => ({ subject: endpoint.namespace.ref }),
};

/** Delete a namespace that dpctl made, with everything in it. */
export const netnsDelete: StepActions<StepOf<'netns.delete'>> = {
  execute: (node, { endpoint }) => removeNamespace(node, endpoint),
  undo: nothingToUndo,
  describe: ({ endpoint }) => ({ subject: endpoint.namespace.ref }),
};

/** Waits until the device is gone: the kernel deletes it asynchronously. */
async function removeNamespace(node: Node, endpoint: Endpoint): Promise<void> {
  const { ref } = endpoint.namespace;
  const isThere = withNamespace(node, endpoint.namespace, (fd) => fd !== undefined);
  // The kernel deletes it only when no process has it open.
  node.kept.release();
  // The name may belong to another namespace by now.
  if (isThere || netnsPlace(ref) === 'leftover') await deleteNetns(ref);
  const end = performance.now() + NETNS_CLEANUP;
  while (
    linkGet(node.rtnl(), { name: endpoint.hostIfname }) !== undefined &&
    performance.now() < end
  ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
