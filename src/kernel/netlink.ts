/** Everything that callers need of rtnetlink, in one import. */

export {
  type AddressSpec,
  addrAdd,
  addrDelete,
  addrDump,
  type LinkAddress,
} from './netlink/addr.js';
export {
  type AddrGenMode,
  hasCarrier,
  isLinkName,
  type Link,
  type LinkChange,
  type LinkSelector,
  type LinkStatistics,
  linkDelete,
  linkDump,
  linkGet,
  linkSet,
} from './netlink/link.js';
export { type Neighbour, neighDelete, neighDump, neighReplace } from './netlink/neigh.js';
export { nsidOf } from './netlink/nsid.js';
export {
  hasNetkit,
  linkAddNetkit,
  linkAddVeth,
  type VethPeer,
  type VethSpec,
} from './netlink/pair.js';
export {
  ROUTE_PROTOCOL,
  type Route,
  type RouteFilter,
  type RouteSpec,
  RT_TABLE_MAIN,
  routeAdd,
  routeDelete,
  routeDump,
  routeMtu,
  routeReplace,
} from './netlink/route.js';
export { openRtnl, type Rtnl, withRtnl } from './netlink/socket.js';
export { linkAddVxlanExternal, type VxlanExternalSpec } from './netlink/vxlan.js';
export type { VxlanInfo } from './netlink/vxlan-info.js';
