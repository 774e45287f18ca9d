/** What is observed of one endpoint: its devices, its program, and the inside of its namespace. */
import { advice, run } from '../../../loader/hint.js';
import { hookOf, isLinkPinned } from '../../datapath/hook.js';
import { getRaw } from '../../datapath/tables.js';
import { addrDump, type LinkAddress } from '../../linux/netlink/address.js';
import { type Link, linkGet } from '../../linux/netlink/link.js';
import { nsidOf } from '../../linux/netlink/nsid.js';
import { ROUTE_PROTOCOL, RT_TABLE_MAIN, routeDump } from '../../linux/netlink/route.js';
import { netnsPlace } from '../../linux/netns-make.js';
import { passesTunnels } from '../../linux/offload.js';
import { isGateway } from '../../model/desired/desired.js';
import { decodeValue, tableKey } from '../../model/desired/table-entry.js';
import type { ObservedDevice, ObservedPort, Obstacle } from '../../model/plan/observed.js';
import { routeMetric } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import { type End, hostEndOf, isPair } from '../change/own-device.js';
import { hostPins, type Node } from '../node/node.js';
import { withNamespace, withRtnlInside } from './namespace.js';

/** The inside is unknown or empty. */
export const NOTHING_INSIDE = {
  inner: undefined,
  addresses: [],
  ownAddresses: [],
  gateways: [],
  loopbackUp: false,
} as const;

/**
 * Inspect one endpoint, with its namespace open meanwhile.
 * @param installed the tables exist and can be read
 * @param tunnels ask whether it passes segments in tunnels whole
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
      const { created, ref } = endpoint.namespace;
      const nameUse = created ? netnsPlace(ref) : undefined;
      const namespace = host === undefined ? 'gone' : 'unreachable';
      return { ...base, ...NOTHING_INSIDE, namespace, nameUse };
    }
    const inside = withRtnlInside(node, endpoint.namespace, fd, (rtnl) =>
      inspectInside(node, { rtnl, nsFd: fd }, endpoint, host),
    );
    const wholeTunnels = tunnels && inside.inner && passesTunnels(fd, endpoint.ifname);
    const inner = inside.inner && { ...inside.inner, ...(tunnels && { wholeTunnels }) };
    return { ...base, ...inside, inner, namespace: 'reachable' };
  });
}

type Inside = Pick<
  ObservedPort,
  'inner' | 'addresses' | 'ownAddresses' | 'gateways' | 'loopbackUp' | 'blocked'
>;

function inspectInside(
  node: Node,
  where: Pick<End, 'rtnl' | 'nsFd'>,
  endpoint: Endpoint,
  host: Link | undefined,
): Inside {
  const { rtnl } = where;
  const loopbackUp = linkGet(rtnl, { name: 'lo' })?.up ?? false;
  const named = linkGet(rtnl, { name: endpoint.ifname });
  const inner = host === undefined ? undefined : innerEndOf(node, where, host);
  if (inner === undefined || inner.name !== endpoint.ifname) {
    const blocked =
      named && innerTaken(endpoint, { host, inner, named, leads: leadsAway(node, where, named) });
    return { ...NOTHING_INSIDE, loopbackUp, ...(blocked && { blocked }) };
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

/** The far end of a host end, whatever its name; undefined if it is in another namespace. */
function innerEndOf(node: Node, where: Pick<End, 'rtnl' | 'nsFd'>, host: Link): Link | undefined {
  if (host.peerIfindex === undefined) return undefined;
  const link = linkGet(where.rtnl, { ifindex: host.peerIfindex });
  if (link === undefined) return undefined;
  const near = { rtnl: node.rtnl(), nsFd: node.netnsFd(), link: host };
  return isPair(near, { ...where, link }) ? link : undefined;
}

/** Whether an interface is one end of a veth whose other end is outside of the node's namespace. */
function leadsAway(node: Node, { rtnl }: Pick<End, 'rtnl'>, { kind, linkNetnsId }: Link): boolean {
  return (
    kind === 'veth' && linkNetnsId !== undefined && linkNetnsId !== nsidOf(rtnl, node.netnsFd())
  );
}

/** What holds the name of an endpoint's interface, and what exists of the endpoint's own. */
interface Taken {
  readonly host: Link | undefined;
  readonly inner: Link | undefined;
  readonly named: Link;
  readonly leads: boolean;
}

/**
 * Another interface holds the name of the endpoint's interface: the endpoint keeps its present one until the
 * name is free.
 */
function innerTaken(
  endpoint: Endpoint,
  { host, inner, named, leads }: Taken,
): Obstacle | undefined {
  const { namespace, ifname, adopted, mac, hostIfname } = endpoint;
  // The owner of an adopted device chooses its name.
  if (adopted !== undefined && host !== undefined) return undefined;
  const { ref } = namespace;
  const again = isGateway(endpoint)
    ? advice`then: ${run`reconcile`}`
    : advice`then: ${run`reconcile`}; or ${run`detach ${ref}`}`;
  const obstacle = (message: string, remove: string): Obstacle => ({
    code: 'INTERFACE_EXISTS',
    message,
    hint: advice`${remove} in ${ref}, ${again}`,
    exitCode: 1,
  });
  if (host === undefined && leads && named.mac === mac) {
    return {
      ...obstacle(
        `the host end of ${ref}/${ifname} (${hostIfname}) is not on this node: it was moved to another namespace, or ${ifname} is somebody else's with the same MAC`,
        `move it back to this node, or delete ${ifname}`,
      ),
      code: 'HOST_END_MOVED',
    };
  }
  const own =
    inner !== undefined
      ? `dpctl's is called ${inner.name} there`
      : host !== undefined
        ? `dpctl's was moved to another namespace`
        : "dpctl's is gone";
  if (named.name !== ifname) {
    const what = named.ifindex === inner?.ifindex ? 'which keeps' : `and ${named.name} has`;
    return obstacle(
      `${own}, ${what} ${ifname} as an alternative name in ${ref}`,
      `ip link property del dev ${named.name} altname ${ifname}`,
    );
  }
  const remove = inner === undefined ? `delete or rename ${ifname}` : `rename ${ifname}`;
  return obstacle(`${ref} has another interface ${ifname}, and ${own}`, remove);
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
