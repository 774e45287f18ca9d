/** The container's interface, seen from inside its namespace. */
import { addrDump } from '../../linux/netlink/address.js';
import { linkGet } from '../../linux/netlink/link.js';
import { routeAdd, routeDump } from '../../linux/netlink/route.js';
import { type Rtnl, withRtnl } from '../../linux/netlink/socket.js';
import { withNetnsRef } from '../../linux/netns.js';
import type { CniResult, CniRoute } from './result.js';

/** An interface of a container. */
export interface Inside {
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  /** ADDRESS/LENGTH. */
  readonly addresses: readonly string[];
  /** Destinations of its routes; `default` for all. */
  readonly routes: readonly string[];
}

/** @returns undefined if there is no such interface. @throws DpctlError NETNS_* */
export function interfaceIn(netns: string, ifname: string): Inside | undefined {
  return inside(netns, (rtnl) => {
    const link = linkGet(rtnl, { name: ifname });
    if (link === undefined) return undefined;
    return {
      ...{ mac: link.mac, mtu: link.mtu, up: link.up },
      addresses: addrDump(rtnl, link.ifindex).map(
        ({ address, prefixLength }) => `${address}/${prefixLength}`,
      ),
      routes: routeDump(rtnl, { ifindex: link.ifindex }).map(({ dst }) => dst),
    };
  });
}

/** Add the routes that another plugin asked for. @throws DpctlError KERNEL_* */
export function addRoutes(netns: string, ifname: string, { ips, routes }: CniResult): void {
  if (routes.length === 0) return;
  inside(netns, (rtnl) => {
    const ifindex = linkGet(rtnl, { name: ifname })?.ifindex;
    const there = routeDump(rtnl, { ifindex }).map(({ dst }) => dst);
    for (const route of routes) {
      const dst = destinationOf(route);
      if (there.includes(dst)) continue;
      const gateway = route.gw ?? gatewayFor(route, ips);
      const family = route.dst.includes(':') ? 6 : 4;
      routeAdd(rtnl, { dst, family, gateway, ifindex });
    }
  });
}

/** As the kernel names it. */
export function destinationOf({ dst }: CniRoute): string {
  return dst === '0.0.0.0/0' || dst === '::/0' ? 'default' : dst;
}

/** The gateway of the address of the same family. */
function gatewayFor({ dst }: CniRoute, ips: CniResult['ips']): string | undefined {
  return ips.find(({ address }) => address.includes(':') === dst.includes(':'))?.gateway;
}

function inside<T>(netns: string, section: (rtnl: Rtnl) => T): T {
  return withNetnsRef(netns, ({ fd }) => withRtnl(fd, section));
}
