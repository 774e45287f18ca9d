/**
 * Which devices belong to this root: decided by their marks and programs, never by names or numbers alone.
 */
import { runsOwn } from '../../datapath/hook.js';
import { type Link, linkGet } from '../../linux/netlink/link.js';
import { nsidOf } from '../../linux/netlink/nsid.js';
import type { Rtnl } from '../../linux/netlink/socket.js';
import { driverOf } from '../../model/desired/desired.js';
import { endpointAlias, hostMacOf, markOf } from '../../model/state/ownership-mark.js';
import type { Endpoint } from '../../model/state/state.js';
import { hostPins, type Node } from '../node/node.js';

/**
 * The host end of an endpoint; undefined if it is gone, even if another device now has its name or number.
 * @param links the node's devices by number, if they have been read; otherwise this one device is read
 */
export function hostEndOf(
  node: Node,
  endpoint: Endpoint,
  links?: ReadonlyMap<number, Link>,
): Link | undefined {
  const { ifindex } = endpoint;
  const link = links === undefined ? linkGet(node.rtnl(), { ifindex }) : links.get(ifindex);
  return link !== undefined && isHostEnd(node, link, endpoint) ? link : undefined;
}

/** Whether the device with the number of an endpoint's host end is that host end. */
function isHostEnd(node: Node, link: Link, endpoint: Endpoint): boolean {
  if (link.kind !== driverOf(endpoint)) return false;
  const mark = markOf(link.alias);
  if (mark?.root !== undefined) return mark.root === endpoint.root && mark.endpoint === endpoint.id;
  // A half-made device, or one whose alias was changed.
  if (endpoint.root !== undefined && link.mac === hostMacOf(endpoint)) return true;
  if (runsOwn(hostPins(node), node.netnsFd(), endpoint.id, link.ifindex)) return true;
  // An adopted veth has no mark until the attach is done.
  if (endpoint.adopted !== undefined && mark === undefined)
    return link.name === endpoint.hostIfname;
  // Marks of an older dpctl name no root.
  const { root, ...old } = endpoint;
  return root === undefined && (link.name === old.hostIfname || link.alias === endpointAlias(old));
}

/** Names of devices that dpctl makes: an unmarked device with such a name may be dpctl's. */
export const MADE_DEVICE = /^dp[0-9a-f]{6}$|^dp[gp]\d+$/;

/**
 * Whether a device has this root's mark or runs its program, even if no record names it.
 * @param root id of this root; undefined if unknown
 */
export function isOwn(node: Node, root: string | undefined, link: Link): boolean {
  const mark = markOf(link.alias);
  if (mark === undefined && !MADE_DEVICE.test(link.name)) return false;
  if (mark?.root !== undefined && mark.root === root) return true;
  return runsOwn(hostPins(node), node.netnsFd(), undefined, link.ifindex);
}

/** A device and its namespace. */
export interface End {
  readonly rtnl: Rtnl;
  readonly nsFd: number;
  readonly link: Link;
}

/**
 * Whether two devices are the ends of one pair. Every namespace uses the same numbers, so each must name the
 * other's.
 */
export function isPair(one: End, other: End): boolean {
  return leadsTo(one, other) && leadsTo(other, one);
}

function leadsTo({ rtnl, nsFd, link }: End, to: End): boolean {
  if (link.peerIfindex !== to.link.ifindex) return false;
  if (nsFd === to.nsFd) return link.linkNetnsId === undefined;
  return link.linkNetnsId !== undefined && link.linkNetnsId === nsidOf(rtnl, to.nsFd);
}
