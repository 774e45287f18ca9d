/** An endpoint's two devices: made, set, and given addresses and routes. */

import { DpctlError, errnoOf } from '../../../loader/errors.js';
import { ENDPOINT_ARRAY_SIZE } from '../../contract/generated.js';
import { addrAdd, addrDelete } from '../../linux/netlink/address.js';
import { linkGet, linkSet } from '../../linux/netlink/link.js';
import { linkAddNetkit, linkAddVeth } from '../../linux/netlink/pair.js';
import { ROUTE_PROTOCOL, routeAdd, routeDelete } from '../../linux/netlink/route.js';
import type { Rtnl } from '../../linux/netlink/socket.js';
import { setTunnels } from '../../linux/offload.js';
import { sysctlSet } from '../../linux/sysctl.js';
import { driverOf, isGateway, type Port } from '../../model/desired/desired.js';
import { type DeviceSettings, routeMetric } from '../../model/plan/plan.js';
import { endpointAlias, hostMacOf } from '../../model/state/mark.js';
import type { Endpoint } from '../../model/state/state.js';
import { namespaceGone, withEndpointFd, withEndpointRtnl } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';

/** Make both ends of an endpoint, the far one born in the namespace. @throws DpctlError NETNS_GONE */
export function createPair(node: Node, { endpoint }: Port): void {
  withEndpointFd(node, endpoint, (fd) => {
    const linkAdd = driverOf(endpoint) === 'netkit' ? linkAddNetkit : linkAddVeth;
    linkAdd(node.rtnl(), {
      name: endpoint.hostIfname,
      ifindex: endpoint.ifindex,
      mac: hostMacOf(endpoint),
      mtu: endpoint.mtu,
      alias: endpointAlias(endpoint),
      peer: {
        name: endpoint.ifname,
        ifindex: isGateway(endpoint) ? highIfindex(node.rtnl()) : undefined,
        nsFd: fd,
        mac: endpoint.mac,
        mtu: endpoint.mtu,
      },
    });
  });
}

/**
 * A number for the host's end of a gateway. Both ends are in one namespace, and left to itself the
 * kernel would give this one the very number that the other is to have. It is no key of a table,
 * so it lies past the numbers that are.
 */
function highIfindex(rtnl: Rtnl): number {
  let ifindex = ENDPOINT_ARRAY_SIZE;
  while (linkGet(rtnl, { ifindex }) !== undefined) ifindex++;
  return ifindex;
}

/** Settings of a plan as rtnetlink takes them. */
export function linkChange({ gsoSize, wholeTunnels: _, ...rest }: DeviceSettings) {
  if (gsoSize === undefined) return rest;
  return {
    ...rest,
    gsoMaxSize: gsoSize,
    groMaxSize: gsoSize,
    gsoIpv4MaxSize: gsoSize,
    groIpv4MaxSize: gsoSize,
  };
}

/** Change a host end. Before Linux 6.2 a device gets another name only while it is down. */
export function setHost(node: Node, ifindex: number, settings: DeviceSettings): void {
  const { name, ...change } = linkChange(settings);
  if (name !== undefined) {
    try {
      linkSet(node.rtnl(), ifindex, { name });
    } catch (error) {
      if (errnoOf(error) !== 'EBUSY') throw error;
      linkSet(node.rtnl(), ifindex, { up: false });
      linkSet(node.rtnl(), ifindex, { name });
      change.up ??= true;
    }
  }
  if (Object.keys(change).length > 0) linkSet(node.rtnl(), ifindex, change);
}

/** Change the interface inside. @throws DpctlError NETNS_GONE */
export function setInner(node: Node, endpoint: Endpoint, settings: DeviceSettings): void {
  const { wholeTunnels } = settings;
  const change = linkChange(settings);
  withEndpointRtnl(node, endpoint, (rtnl, nsFd) => {
    if (wholeTunnels !== undefined) {
      const former = endpoint.adopted?.tunnels ?? true;
      setTunnels(nsFd, endpoint.ifname, wholeTunnels && former);
    }
    if (Object.keys(change).length === 0) return;
    linkSet(rtnl, innerIfindex(rtnl, endpoint), change);
  });
}

function innerIfindex(rtnl: Parameters<typeof linkGet>[0], endpoint: Endpoint): number {
  const link = linkGet(rtnl, { name: endpoint.ifname });
  if (link === undefined) throw namespaceGone(endpoint);
  return link.ifindex;
}

/** Bring the loopback of an endpoint's namespace up or down. */
export function setLoopback(node: Node, endpoint: Endpoint, up: boolean): void {
  withEndpointRtnl(node, endpoint, (rtnl) => {
    const lo = linkGet(rtnl, { name: 'lo' });
    if (lo !== undefined) linkSet(rtnl, lo.ifindex, { up });
  });
}

/**
 * Add or delete an address (ADDRESS/LENGTH) inside. Marked as dpctl's, as routes are.
 * @throws DpctlError IPV6_OFF, exit 2, where the kernel has no IPv6
 */
export function changeAddress(node: Node, endpoint: Endpoint, text: string, add: boolean): void {
  const [address = '', length = ''] = text.split('/');
  const spec = { address, prefixLength: Number(length) };
  withEndpointRtnl(node, endpoint, (rtnl, nsFd) => {
    const ifindex = innerIfindex(rtnl, endpoint);
    if (!add) {
      promoting(nsFd, endpoint.ifname, () =>
        tolerate('EADDRNOTAVAIL', () => addrDelete(rtnl, ifindex, spec)),
      );
      return;
    }
    const nodad = address.includes(':');
    if (nodad) allowIp6(nsFd, endpoint);
    // The address is this endpoint's by assignment, so nobody need be asked whether it is free.
    addrAdd(rtnl, ifindex, { ...spec, nodad, protocol: ROUTE_PROTOCOL });
  });
}

/**
 * Containers are often made with IPv6 off by default. An interface that is to have an IPv6 address
 * needs it, as Docker sees it, too; all others stay as they are.
 */
function allowIp6(nsFd: number, { namespace, ifname, network }: Endpoint): void {
  try {
    sysctlSet(nsFd, `net/ipv6/conf/${ifname}/disable_ipv6`, '0');
  } catch (cause) {
    // Without IPv6 in the kernel there is no such parameter; all else is a fault of its own.
    if (!(cause instanceof DpctlError) || cause.code !== 'SYSCTL_NOT_FOUND') throw cause;
    throw new DpctlError('IPV6_OFF', `${namespace.ref} cannot have an IPv6 address: IPv6 is off`, {
      hint: `use a network without an IPv6 subnet instead of ${network}: dpctl network add NAME --subnet 10.1.0.0/16`,
      details: { ns: namespace.ref, ifname, network },
      cause,
    });
  }
}

/**
 * The first IPv4 address of a subnet takes all later ones of it along when it is deleted, and the
 * last address of an interface its routes, unless the kernel is told to move them up.
 */
function promoting(nsFd: number, ifname: string, action: () => void): void {
  const key = `net/ipv4/conf/${ifname}/promote_secondaries`;
  const before = sysctlSet(nsFd, key, '1');
  try {
    action();
  } finally {
    sysctlSet(nsFd, key, before);
  }
}

/** Add or delete a default route inside, beside any that others have. */
export function changeRoute(node: Node, endpoint: Endpoint, gateway: string, add: boolean): void {
  withEndpointRtnl(node, endpoint, (rtnl) => {
    const ifindex = innerIfindex(rtnl, endpoint);
    const spec = { dst: 'default', gateway, ifindex, metric: routeMetric(endpoint) };
    if (add) routeAdd(rtnl, spec);
    else tolerate('ESRCH', () => routeDelete(rtnl, spec));
  });
}

/** What somebody else has done meanwhile need not be done. */
function tolerate(errno: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (errnoOf(error) !== errno) throw error;
  }
}
