/** netns.create and netns.delete: how the namespaces that dpctl makes get their names, and go. */
import { linkGet } from '../../linux/netlink/link.js';
import { deleteNetns } from '../../linux/netns.js';
import { nameNetns, netnsPlace } from '../../linux/netns-make.js';
import type { StepOf } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import { withNamespace } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';
import { nothingToUndo, type StepActions } from './actions.js';

/**
 * Milliseconds that the kernel is given to take the devices of a deleted namespace away: one thread of
 * its does it for all namespaces of the machine, one after the other.
 */
const NETNS_CLEANUP = 10_000;

/** The namespace that was made for an endpoint gets its name. */
export const netnsCreate: StepActions<StepOf<'netns.create'>> = {
  async execute(_node, { endpoint: { namespace } }, { namespaces }) {
    const fd = namespaces?.get(namespace.path);
    if (fd === undefined) throw new Error(`nobody has made the namespace for ${namespace.path}`);
    await nameNetns(namespace.ref, fd);
  },
  undo: (node, { endpoint }) => removeNamespace(node, endpoint),
  describe: ({ endpoint }) => ({ subject: endpoint.namespace.ref }),
};

/** A namespace that dpctl made goes, with all that is in it. */
export const netnsDelete: StepActions<StepOf<'netns.delete'>> = {
  execute: (node, { endpoint }) => removeNamespace(node, endpoint),
  undo: nothingToUndo,
  describe: ({ endpoint }) => ({ subject: endpoint.namespace.ref }),
};

/** Waits for the device to go, which the kernel does in its own time. */
async function removeNamespace(node: Node, endpoint: Endpoint): Promise<void> {
  const { ref } = endpoint.namespace;
  const isThere = withNamespace(node, endpoint.namespace, (fd) => fd !== undefined);
  // It goes only when nobody has it open.
  node.kept.release();
  // The name may be another namespace's by now.
  if (isThere || netnsPlace(ref) === 'leftover') await deleteNetns(ref);
  const end = performance.now() + NETNS_CLEANUP;
  while (
    linkGet(node.rtnl(), { name: endpoint.hostIfname }) !== undefined &&
    performance.now() < end
  ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
