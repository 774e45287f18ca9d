/** The namespace that an endpoint is to be attached to. */
import { DpctlError } from '../../loader/errors.js';
import { closeFd } from '../../loader/sys.js';
import { linkGet, openRtnl } from '../kernel/netlink.js';
import { closeNetns, netnsExists, openNetnsRef } from '../kernel/netns.js';
import { endpointAt, findEndpoints } from '../model/edit.js';
import type { NamespaceRef, State } from '../model/state.js';
import { type FoundDevice, findDevice } from './adopt.js';
import { openNamespace } from './namespace.js';
import type { Node } from './node.js';
import type { AttachRequest } from './types.js';

/** What was found of a namespace that is to be attached. */
export interface Target {
  readonly namespace: NamespaceRef;
  /** The interface that is there already and leads to this node. */
  readonly adopted: FoundDevice | undefined;
  readonly loopbackDown: boolean;
}

/**
 * Look at the namespace that is asked for; only an endpoint that is new can adopt a device.
 * @throws DpctlError NETNS_*, exit 1 or 3; INTERFACE_EXISTS, exit 1
 */
export function resolveTarget(
  node: Node,
  state: State,
  request: AttachRequest,
  ifname: string,
): Target {
  if (request.create === true && !request.ns.includes('/') && !netnsExists(request.ns)) {
    const path = `/run/netns/${request.ns}`;
    const namespace = { ref: request.ns, kind: 'name' as const, path, cookie: '', created: true };
    const pending = findEndpoints(state, { ref: request.ns, ifname })[0];
    return {
      namespace: pending?.namespace.cookie === '' ? pending.namespace : namespace,
      adopted: undefined,
      loopbackDown: true,
    };
  }
  const ns = openNetnsRef(request.ns);
  try {
    refuseNodeNamespace(node, request.ns, ns.cookie);
    const { kind, path } = ns;
    const cookie = String(ns.cookie);
    const known = findEndpoints(state, { cookie });
    const asked = { ref: request.ns, kind, path, cookie, created: false };
    // What it was called first stays, as long as it can be opened by that.
    const namespace = known.find((each) => opens(node, each.namespace))?.namespace ?? asked;
    const isNew = endpointAt(state, namespace, ifname) === undefined;
    const rtnl = openRtnl(ns.fd);
    try {
      return {
        namespace,
        adopted: isNew ? findDevice(node, rtnl, request.ns, ifname) : undefined,
        // The first endpoint found it down; whichever goes last takes it down again.
        loopbackDown:
          linkGet(rtnl, { name: 'lo' })?.up === false ||
          known.some(({ raisedLoopback }) => raisedLoopback),
      };
    } finally {
      rtnl.close();
    }
  } finally {
    closeNetns(ns);
  }
}

function refuseNodeNamespace(node: Node, ref: string, cookie: bigint): void {
  const own = openNetnsRef(`/proc/self/fd/${node.netnsFd()}`);
  closeNetns(own);
  if (own.cookie !== cookie) return;
  throw new DpctlError('NETNS_IS_NODE', `${ref} is the network namespace of the node itself`, {
    exitCode: 1,
    hint: 'attach the namespace of a container; the host joins by: dpctl network add NAME --gateway',
  });
}

/** The process or file that a namespace was named by may be gone, while others keep the namespace. */
function opens(node: Node, namespace: NamespaceRef): boolean {
  const fd = openNamespace(node, namespace);
  if (fd === undefined) return false;
  closeFd(fd);
  return true;
}
