/** The namespace to attach an endpoint to. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { netnsCookie } from '../../../loader/sys/netns.js';
import type { AttachRequest } from '../../api/endpoint.js';
import { linkGet } from '../../linux/netlink/link.js';
import { withRtnl } from '../../linux/netlink/socket.js';
import { assertName, withNetnsRef } from '../../linux/netns.js';
import { netnsPlace } from '../../linux/netns-make.js';
import { endpointAt, findEndpoints, isPending } from '../../model/state/lookup.js';
import type { NamespaceRef, State } from '../../model/state/state.js';
import type { Node } from '../node/node.js';
import { type FoundDevice, findDevice } from './adopt-device.js';
import { withNamespace } from './namespace.js';

/** What was found of a namespace to attach. */
export interface Target {
  readonly namespace: NamespaceRef;
  /** An existing interface that leads to this node. */
  readonly adopted: FoundDevice | undefined;
  readonly loopbackDown: boolean;
}

/**
 * Look at the requested namespace; only a new endpoint can adopt a device.
 * @throws DpctlError NETNS_*, exit 1 or 3; INTERFACE_EXISTS, exit 1
 */
export function resolveTarget(
  node: Node,
  state: State,
  request: AttachRequest,
  ifname: string,
): Target {
  if (request.create === true && !request.ns.includes('/')) {
    const made = namespaceToMake(state, request.ns);
    if (made !== undefined) return { namespace: made, adopted: undefined, loopbackDown: true };
  }
  return withNetnsRef(request.ns, (ns) => {
    refuseNodeNamespace(node, request.ns, ns.cookie);
    const { kind, path } = ns;
    const cookie = String(ns.cookie);
    const known = findEndpoints(state, { cookie });
    const asked = { ref: request.ns, kind, path, cookie, created: false };
    // Keep the first name, as long as it opens the namespace.
    const namespace = known.find((each) => opens(node, each.namespace))?.namespace ?? asked;
    const isNew = endpointAt(state, namespace, ifname) === undefined;
    return withRtnl(ns.fd, (rtnl) => ({
      namespace,
      adopted: isNew ? findDevice(node, { rtnl, nsFd: ns.fd }, request.ns, ifname) : undefined,
      // The first endpoint found it down; the last one to go takes it down again.
      loopbackDown:
        linkGet(rtnl, { name: 'lo' })?.up === false ||
        known.some(({ raisedLoopback }) => raisedLoopback),
    }));
  });
}

/**
 * Undefined if the name is taken. An empty file in its place may be replaced if a command was about to make
 * the namespace.
 */
function namespaceToMake(state: State, ref: string): NamespaceRef | undefined {
  assertName(ref);
  const pending = findEndpoints(state, { ref }).find((each) => isPending(each.namespace));
  const place = netnsPlace(ref);
  if (place === 'taken' || (place === 'leftover' && pending === undefined)) return undefined;
  const path = `/run/netns/${ref}`;
  return pending?.namespace ?? { ref, kind: 'name', path, cookie: '', created: true };
}

function refuseNodeNamespace(node: Node, ref: string, cookie: bigint): void {
  if (netnsCookie(node.netnsFd()) !== cookie) return;
  throw new DpctlError('NETNS_IS_NODE', `${ref} is the network namespace of the node itself`, {
    exitCode: 1,
    hint: advice`attach the namespace of a container; the host joins with: ${run`network add NAME --gateway`}`,
  });
}

/** The process or file that named a namespace may be gone, while others keep the namespace alive. */
function opens(node: Node, namespace: NamespaceRef): boolean {
  return withNamespace(node, namespace, (fd) => fd !== undefined);
}
