/**
 * Routes.
 *
 * Source: include/uapi/linux/rtnetlink.h.
 */

import { DpctlError } from '../../../loader/errors.js';
import {
  attribute,
  concat,
  decodeAttributes,
  type Message,
  NLM_F,
  nested,
  readUint,
  u32,
  viewOf,
} from '../../../loader/netlink/codec.js';
import { AF, ipBytes, ipText, ipVersion, prefixBytes } from './address-bytes.js';
import { dump, type Rtnl, request } from './socket.js';

/**
 * Who added a route (rtm_protocol). 220 is free in iproute2's rt_protos and marks dpctl's routes: `ip route
 * show proto 220` lists them, and dpctl never deletes others.
 */
export const ROUTE_PROTOCOL = 220;

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, METRICS: 8, TABLE: 15 } as const;
const RTAX_MTU = 2;
const RTNH_F_ONLINK = 4;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
export const RT_TABLE_MAIN = 254;
const RTMSG_LENGTH = 12;

/** Kinds of routes (RTN_*) by number. */
const ROUTE_TYPES = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
] as const;
const RTN_UNICAST = 1;

/** A unicast route to add, replace or delete. */
export interface RouteSpec {
  /** A prefix, or 'default' (its family then comes from gateway or `family`). */
  readonly dst: string;
  readonly family?: 4 | 6 | undefined;
  readonly gateway?: string | undefined;
  /** Device of the route; may be left out when the gateway is on a connected network. */
  readonly ifindex?: number | undefined;
  /** Treat the gateway as directly reachable through the device, whatever the addresses say. */
  readonly onlink?: boolean | undefined;
  /** Smaller wins; if not given, the kernel uses 0 for IPv4 and 1024 for IPv6. */
  readonly metric?: number | undefined;
  /** Preferred source address. */
  readonly source?: string | undefined;
  /** Path MTU of the route in bytes. */
  readonly mtu?: number | undefined;
  /** Routing table; 254 (main) by default. */
  readonly table?: number | undefined;
  /** rtm_protocol; ROUTE_PROTOCOL by default. */
  readonly protocol?: number | undefined;
}

/** A route in the kernel. */
export interface Route {
  readonly family: 4 | 6;
  /** 'default' or a prefix, host routes with their /32 or /128. */
  readonly dst: string;
  /** Undefined for directly connected routes, and if next hops are listed separately. */
  readonly gateway: string | undefined;
  readonly ifindex: number | undefined;
  readonly onlink: boolean;
  readonly metric: number | undefined;
  readonly source: string | undefined;
  readonly mtu: number | undefined;
  readonly table: number;
  readonly protocol: number;
  /** RT_SCOPE_*: 0 global, 253 link, 254 host. */
  readonly scope: number;
  /** 'unicast', 'local', 'broadcast', 'blackhole' ... */
  readonly type: string;
}

/**
 * Add a route. Throws KERNEL_EEXIST when there is one to the same destination with the same metric,
 * KERNEL_ENETUNREACH when the gateway is not reachable, KERNEL_ENETDOWN when the device is down.
 */
export function routeAdd(rtnl: Rtnl, spec: RouteSpec): void {
  const body = routeBody(spec, scopeOf(spec));
  request(rtnl, `add route ${spec.dst}`, RTM_NEWROUTE, NLM_F.CREATE | NLM_F.EXCL, body);
}

/**
 * Delete the route that matches all given fields; the protocol is ROUTE_PROTOCOL by default, so no route of
 * another program matches. Throws KERNEL_ESRCH when there is none.
 */
export function routeDelete(rtnl: Rtnl, spec: RouteSpec): void {
  request(rtnl, `delete route ${spec.dst}`, RTM_DELROUTE, 0, routeBody(spec, RT_SCOPE_NOWHERE));
}

/**
 * Selects the routes of routeDump: all given fields must match. Without a table: all tables, including
 * `local`.
 */
export interface RouteFilter {
  readonly family?: 4 | 6 | undefined;
  readonly table?: number | undefined;
  readonly ifindex?: number | undefined;
  readonly protocol?: number | undefined;
}

/** Routes of the socket's namespace. Throws KERNEL_*. */
export function routeDump(rtnl: Rtnl, filter: RouteFilter = {}): Route[] {
  const header = new Uint8Array(RTMSG_LENGTH);
  header[0] = filter.family === undefined ? AF.UNSPEC : filter.family === 4 ? AF.INET : AF.INET6;
  return dump(rtnl, 'list routes', RTM_GETROUTE, header)
    .flatMap(decodeRoute)
    .filter(
      (route) =>
        (filter.table === undefined || route.table === filter.table) &&
        (filter.ifindex === undefined || route.ifindex === filter.ifindex) &&
        (filter.protocol === undefined || route.protocol === filter.protocol),
    );
}

/**
 * MTU of the path to an address, in bytes of layer 3, as set by its route or learned from routers; undefined:
 * that of the device. Throws KERNEL_ENETUNREACH and others if there is no route.
 */
export function routeMtu(rtnl: Rtnl, address: string): number | undefined {
  const { family, bytes } = ipBytes(address);
  const header = new Uint8Array(RTMSG_LENGTH);
  header.set([family, bytes.length * 8]);
  const body = concat([header, attribute(RTA.DST, bytes)]);
  const [route] = request(rtnl, `get route to ${address}`, RTM_GETROUTE, 0, body).flatMap(
    decodeRoute,
  );
  return route?.mtu;
}

/** With a gateway a route is global; without one the destination is on the link. IPv6 has no scopes. */
function scopeOf(spec: RouteSpec): number {
  const linkScope = spec.gateway === undefined && familyOf(spec) === AF.INET;
  return linkScope ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

function routeBody(spec: RouteSpec, scope: number): Uint8Array {
  const table = spec.table ?? RT_TABLE_MAIN;
  const prefix = spec.dst === 'default' ? undefined : prefixBytes(spec.dst);
  const header = Uint8Array.of(
    familyOf(spec),
    prefix?.prefixLength ?? 0,
    0,
    0,
    table < 256 ? table : 0,
    spec.protocol ?? ROUTE_PROTOCOL,
    scope,
    RTN_UNICAST,
  );
  const parts = [header, u32(spec.onlink ? RTNH_F_ONLINK : 0), attribute(RTA.TABLE, u32(table))];
  if (prefix !== undefined) parts.push(attribute(RTA.DST, prefix.bytes));
  if (spec.gateway !== undefined) parts.push(attribute(RTA.GATEWAY, ipBytes(spec.gateway).bytes));
  if (spec.ifindex !== undefined) parts.push(attribute(RTA.OIF, u32(spec.ifindex)));
  if (spec.metric !== undefined) parts.push(attribute(RTA.PRIORITY, u32(spec.metric)));
  if (spec.source !== undefined) parts.push(attribute(RTA.PREFSRC, ipBytes(spec.source).bytes));
  if (spec.mtu !== undefined) {
    parts.push(nested(RTA.METRICS, [attribute(RTAX_MTU, u32(spec.mtu))]));
  }
  return concat(parts);
}

function familyOf(spec: RouteSpec): number {
  if (spec.dst !== 'default') return prefixBytes(spec.dst).family;
  if (spec.gateway !== undefined) return ipBytes(spec.gateway).family;
  if (spec.family === undefined) {
    throw new DpctlError('BAD_ADDRESS', 'a default route without a gateway needs a family', {
      exitCode: 1,
    });
  }
  return spec.family === 4 ? AF.INET : AF.INET6;
}

function decodeRoute({ body }: Message): Route[] {
  const view = viewOf(body);
  const family = ipVersion(view.getUint8(0));
  if (family === undefined) return [];
  const attributes = decodeAttributes(body, RTMSG_LENGTH);
  const address = (type: number): string | undefined => {
    const bytes = attributes.get(type);
    return bytes && ipText(bytes);
  };
  const length = view.getUint8(1);
  const metrics = attributes.get(RTA.METRICS);
  const type = view.getUint8(7);
  return [
    {
      family,
      dst:
        length === 0
          ? 'default'
          : `${address(RTA.DST) ?? (family === 4 ? '0.0.0.0' : '::')}/${length}`,
      gateway: address(RTA.GATEWAY),
      ifindex: readUint(attributes.get(RTA.OIF)),
      onlink: (view.getUint32(8, true) & RTNH_F_ONLINK) !== 0,
      metric: readUint(attributes.get(RTA.PRIORITY)),
      source: address(RTA.PREFSRC),
      mtu: metrics && readUint(decodeAttributes(metrics).get(RTAX_MTU)),
      table: readUint(attributes.get(RTA.TABLE)) ?? view.getUint8(4),
      protocol: view.getUint8(5),
      scope: view.getUint8(6),
      type: ROUTE_TYPES[type] ?? String(type),
    },
  ];
}
