/** The networks that the node itself is connected to: a gateway on one of them would take its packets. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { addrDump } from '../../linux/netlink/address.js';
import { linkDump } from '../../linux/netlink/link.js';
import { RT_TABLE_MAIN, routeDump } from '../../linux/netlink/route.js';
import {
  formatPrefix,
  overlaps,
  type Prefix,
  parseAddress,
  prefixOf,
} from '../../model/address/prefix.js';
import { isGateway, networkOf } from '../../model/desired/desired.js';
import { freeSubnet } from '../../model/network/addresses.js';
import type { Network, State } from '../../model/state/state.js';
import { hostEndOf, isOwn } from '../change/own-device.js';
import type { Node } from '../node/node.js';

/** Where the node sends packets for a prefix. */
interface Way {
  readonly prefix: Prefix;
  /** Name of the device or devices. */
  readonly device: string;
  /** Hosts in the prefix are neighbours. */
  readonly connected: boolean;
}

/**
 * Refuse a gateway that is new, or whose subnet is, on a subnet that the node already reaches: a network it
 * is connected to, or a route to a part of the subnet. A wider route through a router is no obstacle: the
 * subnet becomes an exception to it, as requested.
 * @throws DpctlError SUBNET_OVERLAP, exit 1
 */
export function refuseOwnNetworks(node: Node, before: State, after: State, name: string): void {
  const network = networkOf(after, name);
  const subnets = freshSubnets(networkOf(before, name), network);
  if (subnets.length === 0) return;
  const ways = waysOf(node, before);
  for (const subnet of subnets) {
    // The subnet cannot be an exception to these without harm.
    const taken = ways.filter((way) => way.connected || way.prefix.length >= subnet.length);
    const way = taken.find(({ prefix }) => overlaps(prefix, subnet));
    if (way !== undefined) throw overlap(after, name, subnet, way, taken);
  }
}

/** Subnets in which the host gets a new address. */
function freshSubnets(old: Network | undefined, network: Network | undefined): Prefix[] {
  const fresh = [
    network?.gateway?.ip4 !== undefined &&
    (old?.gateway?.ip4 === undefined || old.subnet4 !== network.subnet4)
      ? network.subnet4
      : undefined,
    network?.gateway?.ip6 !== undefined &&
    (old?.gateway?.ip6 === undefined || old.subnet6 !== network.subnet6)
      ? network.subnet6
      : undefined,
  ];
  return fresh.filter((subnet) => subnet !== undefined).map(prefixFrom);
}

function waysOf(node: Node, { rootId, endpoints }: State): Way[] {
  const rtnl = node.rtnl();
  const links = new Map(
    linkDump(rtnl, { statistics: false }).map((link) => [link.ifindex, link] as const),
  );
  const hosts = endpoints.filter(isGateway).map((endpoint) => hostEndOf(node, endpoint));
  const gateways = new Set(hosts.flatMap((host) => [host?.ifindex, host?.peerIfindex]));
  const isOurs = (ifindex: number | undefined): boolean => {
    const link = links.get(ifindex ?? 0);
    return link !== undefined && (gateways.has(link.ifindex) || isOwn(node, rootId, link));
  };
  const way = (text: string, ifindex: number | undefined, connected: boolean): Way => ({
    prefix: prefixFrom(text),
    device: links.get(ifindex ?? 0)?.name ?? 'several devices',
    connected,
  });
  const addresses = addrDump(rtnl)
    .filter(({ ifindex, scope }) => scope !== 'link' && !isOurs(ifindex))
    .map(({ address, prefixLength, ifindex }) => way(`${address}/${prefixLength}`, ifindex, true));
  const routes = routeDump(rtnl, { table: RT_TABLE_MAIN })
    .filter(({ dst, type, ifindex }) => dst !== 'default' && type === 'unicast' && !isOurs(ifindex))
    .map(({ dst, gateway, ifindex }) =>
      way(dst, ifindex, gateway === undefined && ifindex !== undefined),
    );
  return [...addresses, ...routes];
}

/** The prefix of an address with a length. */
function prefixFrom(text: string): Prefix {
  const { ip, length = 0 } = parseAddress(text);
  return prefixOf(ip, length);
}

function overlap(
  state: State,
  name: string,
  subnet: Prefix,
  { prefix, device }: Way,
  ways: readonly Way[],
): DpctlError {
  const [text, theirs] = [formatPrefix(subnet), formatPrefix(prefix)];
  const avoid = ways.map((way) => way.prefix);
  const free = freeSubnet(state, subnet, avoid);
  return new DpctlError(
    'SUBNET_OVERLAP',
    `${text} of network ${name} overlaps ${theirs}, which this node reaches by ${device}`,
    {
      exitCode: 1,
      hint: advice`${run`network add ${name} --subnet ${free ?? 'ADDRESS/LENGTH'} --gateway`}, or without --gateway`,
      details: { subnet: text, network: name, theirs, device, free },
    },
  );
}
