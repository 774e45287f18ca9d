/** Devices of the node that depend on router advertisements: forwarding would remove their routes. */
import { addrDump } from '../../linux/netlink/address.js';
import { linkDump } from '../../linux/netlink/link.js';
import { routeDump } from '../../linux/netlink/route.js';
import { advertisementSysctl } from '../../model/plan/plan.js';
import type { Node } from '../node/node.js';

/** RTPROT_RA: routes that the kernel made from an advertisement. */
const ROUTE_PROTOCOL_RA = 9;

/**
 * Keys with which devices accept router advertisements, for those with a route or an address from one. A
 * program that does this instead of the kernel (systemd-networkd) has switched the kernel's off.
 */
export function advertisedSysctls(node: Node): string[] {
  const rtnl = node.rtnl();
  const routes = routeDump(rtnl, { family: 6, protocol: ROUTE_PROTOCOL_RA });
  const addresses = addrDump(rtnl).filter(
    ({ family, scope, flags }) =>
      family === 6 && scope === 'global' && !flags.includes('permanent'),
  );
  const devices = new Set([...routes, ...addresses].map(({ ifindex }) => ifindex));
  if (devices.size === 0) return [];
  return linkDump(rtnl, { statistics: false })
    .filter(({ ifindex }) => devices.has(ifindex))
    .map(({ name }) => advertisementSysctl(name));
}
