/** Endpoints' namespaces, opened only if they are still the ones that were attached. */

import { DpctlError, errnoOf } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import { closeFd, openFd, withFd } from '../../../loader/sys/files.js';
import { netnsCookie } from '../../../loader/sys/netns.js';
import { hostPath } from '../../linux/mountns.js';
import { linkGet } from '../../linux/netlink/link.js';
import { type Rtnl, withRtnl } from '../../linux/netlink/socket.js';
import type { Endpoint, NamespaceRef } from '../../model/state/state.js';
import type { Node } from '../node/node.js';

/** Errors of an open that mean that there is no such file, not that the lookup failed. */
const NOT_THERE: ReadonlySet<string | undefined> = new Set([
  ...['ENOENT', 'ENOTDIR', 'ESRCH'],
  // A loop of symbolic links has replaced what was attached: it leads to no file.
  'ELOOP',
]);

/**
 * Run a synchronous section with an endpoint's namespace open. This is the only place that opens endpoints'
 * namespaces. It is closed after the section, unless a command keeps the last one open.
 * @param section gets undefined when the namespace is gone or has been replaced
 * @throws DpctlError KERNEL_EMFILE and the like, if its existence cannot be determined
 */
export function withNamespace<T>(
  node: Node,
  namespace: NamespaceRef,
  section: (fd: number | undefined) => T,
): T {
  if (namespace.kind === 'node') return section(node.netnsFd());
  const { path, cookie } = namespace;
  const kept = node.kept.find(path, cookie);
  const fd = kept ?? openNamespace(namespace);
  if (fd === undefined) return section(undefined);
  if (kept === undefined) {
    if (!node.kept.mayKeep() || cookie === '') return withFd(fd, section);
    node.kept.keep(path, cookie, fd);
  }
  try {
    return node.kept.using(() => section(fd));
  } catch (error) {
    // Release it: the next open must find out what exists now.
    node.kept.release();
    throw error;
  }
}

function openNamespace({ kind, path, cookie }: NamespaceRef): number | undefined {
  let fd: number;
  try {
    fd = openFd(kind === 'name' ? hostPath(path) : path);
  } catch (error) {
    if (NOT_THERE.has(errnoOf(error))) return undefined;
    throw error;
  }
  try {
    // A namespace that dpctl makes is known by its name until it exists.
    if (cookie === '' || String(netnsCookie(fd)) === cookie) return fd;
  } catch (error) {
    // EINVAL: no longer a namespace; it was unmounted and its file stayed.
    if (errnoOf(error) !== 'EINVAL') {
      closeFd(fd);
      throw error;
    }
  }
  closeFd(fd);
  return undefined;
}

/** Run a section with rtnetlink inside an endpoint's namespace. */
export function withEndpointRtnl<T>(
  node: Node,
  endpoint: Endpoint,
  use: (rtnl: Rtnl, nsFd: number) => T,
): T {
  return withEndpointFd(node, endpoint, (fd) =>
    withRtnlInside(node, endpoint.namespace, fd, (rtnl) => use(rtnl, fd)),
  );
}

/** Run a section with rtnetlink inside an open namespace. */
export function withRtnlInside<T>(
  node: Node,
  { path, cookie }: NamespaceRef,
  fd: number,
  use: (rtnl: Rtnl) => T,
): T {
  const rtnl = node.kept.find(path, cookie) === fd ? node.kept.rtnl() : undefined;
  return rtnl === undefined ? withRtnl(fd, use) : use(rtnl);
}

/** Run a section with an endpoint's namespace open. @throws DpctlError NETNS_GONE, exit 3 */
export function withEndpointFd<T>(node: Node, endpoint: Endpoint, use: (nsFd: number) => T): T {
  return withNamespace(node, endpoint.namespace, (fd) => {
    if (fd === undefined) throw namespaceGone(endpoint);
    return use(fd);
  });
}

/** Number of an endpoint's interface inside. @throws DpctlError NETNS_GONE, exit 3 */
export function requireInner(rtnl: Rtnl, endpoint: Endpoint): number {
  const link = linkGet(rtnl, { name: endpoint.ifname });
  if (link === undefined) throw namespaceGone(endpoint);
  return link.ifindex;
}

/** The namespace, or the endpoint's interface in it, vanished during the work. */
function namespaceGone({ namespace, ifname }: Endpoint): DpctlError {
  return new DpctlError(
    'NETNS_GONE',
    `namespace ${namespace.ref} or its ${ifname} disappeared during the change`,
    { exitCode: 3, hint: run`reconcile` },
  );
}
