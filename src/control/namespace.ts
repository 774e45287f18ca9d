/** Endpoints' namespaces, opened only if they are still the ones that were attached. */
import { DpctlError } from '../../loader/errors.js';
import { closeFd, netnsCookie, openFd } from '../../loader/sys.js';
import { hostPath } from '../kernel/mountns.js';
import { openRtnl, type Rtnl } from '../kernel/netlink.js';
import type { Endpoint, NamespaceRef } from '../model/state.js';
import type { Node } from './node.js';

/**
 * Open an endpoint's namespace.
 * @returns a file descriptor, or undefined when it is not there or is another one by now
 */
export function openNamespace(
  node: Node,
  { kind, path, cookie }: NamespaceRef,
): number | undefined {
  if (kind === 'node') return openFd(`/proc/self/fd/${node.netnsFd()}`);
  let fd: number;
  try {
    fd = openFd(kind === 'name' ? hostPath(path) : path);
  } catch {
    return undefined;
  }
  try {
    // One that dpctl makes is known by its name until it is there.
    if (cookie === '' || String(netnsCookie(fd)) === cookie) return fd;
  } catch {
    // Not a namespace any more: it was unmounted and its file was left.
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
  const fd = openNamespace(node, endpoint.namespace);
  if (fd === undefined) throw namespaceGone(endpoint);
  const rtnl = openRtnl(fd);
  try {
    return use(rtnl, fd);
  } finally {
    rtnl.close();
    closeFd(fd);
  }
}

/** The namespace, or the endpoint's interface in it, went away while it was worked on. */
export function namespaceGone({ namespace, ifname }: Endpoint): DpctlError {
  return new DpctlError(
    'NETNS_GONE',
    `namespace ${namespace.ref} or its ${ifname} went away meanwhile`,
    { exitCode: 3, hint: 'dpctl reconcile' },
  );
}
