/** What is found of one endpoint: its devices, its program, and what is inside its namespace. */
import { hookOf, isLinkPinned } from '../kernel/hook.js';
import {
  addrDump,
  type Link,
  type LinkAddress,
  linkGet,
  ROUTE_PROTOCOL,
  RT_TABLE_MAIN,
  type Rtnl,
  routeDump,
  withRtnl,
} from '../kernel/netlink.js';
import { passesTunnels } from '../kernel/offload.js';
import { getRaw } from '../kernel/tables.js';
import { decodeValue, tableKey } from '../model/entry.js';
import type { ObservedDevice, ObservedPort } from '../model/observed.js';
import { routeMetric } from '../model/plan.js';
import type { Endpoint } from '../model/state.js';
import { withNamespace } from './namespace.js';
import { hostPins, type Node } from './node.js';
import { hostEndOf } from './own-device.js';

/** Nothing inside is known, or nothing is there. */
const NOTHING_INSIDE = {
  inner: undefined,
  addresses: [],
  ownAddresses: [],
  gateways: [],
  loopbackUp: false,
} as const;

/**
 * Look at one endpoint, its namespace opened for as long as it takes.
 * @param installed the tables are there to be read
 * @param tunnels ask whether segments in tunnels pass it whole
 */
export function inspectPort(
  node: Node,
  endpoint: Endpoint,
  installed: boolean,
  tunnels = false,
): ObservedPort {
  const host = hostEndOf(node, endpoint);
  const pins = hostPins(node);
  const base = {
    host: host === undefined ? undefined : observedDevice(host),
    hook: host && hookOf(pins, node.netnsFd(), endpoint.id, host.ifindex),
    pinned: isLinkPinned(pins, endpoint.id),
    learned: installed ? learnedCount(node, endpoint.id) : 0,
  };
  return withNamespace(node, endpoint.namespace, (fd) => {
    if (fd === undefined) {
      return { ...base, ...NOTHING_INSIDE, namespace: host === undefined ? 'gone' : 'hidden' };
    }
    const inside = withRtnl(fd, (rtnl) => inspectInside(rtnl, endpoint, host));
    const wholeTunnels = tunnels && inside.inner && passesTunnels(fd, endpoint.ifname);
    const inner = inside.inner && { ...inside.inner, ...(tunnels && { wholeTunnels }) };
    return { ...base, ...inside, inner, namespace: 'reachable' };
  });
}

function inspectInside(rtnl: Rtnl, endpoint: Endpoint, host: Link | undefined) {
  const inner = linkGet(rtnl, { name: endpoint.ifname });
  const loopbackUp = linkGet(rtnl, { name: 'lo' })?.up ?? false;
  if (host === undefined || inner?.peerIfindex !== host.ifindex) {
    return { ...NOTHING_INSIDE, loopbackUp };
  }
  const { ifindex } = inner;
  const found = addrDump(rtnl, ifindex).filter(({ scope }) => scope !== 'link');
  const routes = routeDump(rtnl, { ifindex, table: RT_TABLE_MAIN, protocol: ROUTE_PROTOCOL });
  return {
    inner: observedDevice(inner),
    loopbackUp,
    addresses: found.map(withLength),
    ownAddresses: found.filter(({ protocol }) => protocol === ROUTE_PROTOCOL).map(withLength),
    gateways: routes
      .filter(({ dst, metric }) => dst === 'default' && metric === routeMetric(endpoint))
      .flatMap(({ gateway = [] }) => gateway),
  };
}

function withLength({ address, prefixLength }: LinkAddress): string {
  return `${address}/${prefixLength}`;
}

function observedDevice(link: Link): ObservedDevice {
  return {
    ifindex: link.ifindex,
    name: link.name,
    mac: link.mac,
    mtu: link.mtu,
    up: link.up,
    alias: link.alias ?? '',
    gsoSize: Math.max(link.gsoMaxSize ?? 0, link.gsoIpv4MaxSize ?? 0),
  };
}

function learnedCount(node: Node, id: number): number {
  const value = getRaw(node.tables(), 'learned', tableKey('learned', id));
  return value === undefined ? 0 : decodeValue('learned', value).count;
}
