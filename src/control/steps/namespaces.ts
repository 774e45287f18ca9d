/** How the namespaces that dpctl makes get their names, and go. */
import { linkGet } from '../../linux/netlink/link.js';
import { deleteNetns } from '../../linux/netns.js';
import { nameNetns, netnsPlace } from '../../linux/netns-make.js';
import type { Endpoint } from '../../model/state/state.js';
import { withNamespace } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';
import type { Applied } from './steps.js';

const NETNS_CLEANUP = 10_000;

/** Give the namespace that was made for an endpoint its name. */
export async function bindNamespace(
  { namespace }: Endpoint,
  { namespaces }: Applied,
): Promise<void> {
  const fd = namespaces?.get(namespace.path);
  if (fd === undefined) throw new Error(`nobody has made the namespace for ${namespace.path}`);
  await nameNetns(namespace.ref, fd);
}

/** Delete a namespace and wait for its device to go, which the kernel does in its own time. */
export async function removeNamespace(node: Node, endpoint: Endpoint): Promise<void> {
  const { ref } = endpoint.namespace;
  const isThere = withNamespace(node, endpoint.namespace, (fd) => fd !== undefined);
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
