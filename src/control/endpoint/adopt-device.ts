/** A namespace may already have a veth: dpctl then adopts it instead of making another. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, type Hint, REPEAT, run } from '../../../loader/hint.js';
import { addrDump } from '../../linux/netlink/address.js';
import { type Link, linkDump, linkGet } from '../../linux/netlink/link.js';
import type { Rtnl } from '../../linux/netlink/socket.js';
import { tunnelsOf } from '../../linux/offload.js';
import { LEGACY_GSO_SIZE } from '../../model/desired/desired.js';
import { markOf } from '../../model/state/ownership-mark.js';
import type { Endpoint } from '../../model/state/state.js';
import { freeing, isOfLostRoot } from '../change/lost-roots.js';
import { type End, isPair } from '../change/own-device.js';
import type { Node } from '../node/node.js';

/** The host end of a veth that was found, and the settings of both ends. */
export interface FoundDevice {
  readonly ifindex: number;
  readonly hostIfname: string;
  readonly settings: NonNullable<Endpoint['adopted']>;
  /** Addresses (ADDRESS/LENGTH) of the end inside. */
  readonly addresses: readonly string[];
}

/**
 * Look for an interface in a namespace that can become an endpoint.
 * @param where the endpoint's namespace, open, with rtnetlink in it
 * @returns undefined when there is no such interface, so that one must be made
 * @throws DpctlError INTERFACE_EXISTS when there is one that cannot be adopted
 */
export function findDevice(
  node: Node,
  where: Pick<End, 'rtnl' | 'nsFd'>,
  ns: string,
  ifname: string,
): FoundDevice | undefined {
  const { rtnl: inside, nsFd } = where;
  const inner = linkGet(inside, { name: ifname });
  if (inner === undefined) return undefined;
  const host = hostEnd(node, { rtnl: inside, nsFd, link: inner });
  const refuse = (why: string, hint?: Hint): DpctlError =>
    new DpctlError('INTERFACE_EXISTS', `${ns} already has an interface ${ifname}, and ${why}`, {
      exitCode: 1,
      hint: hint ?? run`attach ${ns} --ifname ${freeName(inside)}`,
      details: { ns, ifname },
    });
  if (inner.name !== ifname) throw refuse(`it is ${inner.name}, which has that alternative name`);
  if (inner.kind !== 'veth')
    throw refuse(`it is not a veth (${inner.kind ?? 'a physical device'})`);
  if (host === undefined) throw refuse('its other end is not in the namespace of this node');
  if (markOf(host.alias) !== undefined) {
    if (!isOfLostRoot(host)) throw refuse('another dpctl root has attached it');
    throw refuse(
      'a dpctl root has attached it whose records are lost',
      advice`${freeing(host)}${REPEAT}`,
    );
  }
  if (host.master !== undefined) {
    const master = linkGet(node.rtnl(), { ifindex: host.master })?.name ?? `#${host.master}`;
    throw refuse(`its other end ${host.name} is a port of ${master}`);
  }
  return {
    ifindex: host.ifindex,
    hostIfname: host.name,
    settings: {
      mac: inner.mac,
      mtu: inner.mtu,
      up: inner.up,
      hostMtu: host.mtu,
      hostUp: host.up,
      hostAlias: host.alias ?? '',
      gsoSize: inner.gsoMaxSize ?? LEGACY_GSO_SIZE,
      hostGsoSize: host.gsoMaxSize ?? LEGACY_GSO_SIZE,
      tunnels: tunnelsOf(where.nsFd, ifname),
    },
    addresses: addrDump(inside, inner.ifindex)
      .filter(({ scope }) => scope !== 'link')
      .map(({ address, prefixLength }) => `${address}/${prefixLength}`),
  };
}

/** The other end of a veth, if it is in the node's namespace and points back. */
function hostEnd(node: Node, inner: End): Link | undefined {
  const { kind, peerIfindex } = inner.link;
  if (kind !== 'veth' || peerIfindex === undefined) return undefined;
  const host = linkGet(node.rtnl(), { ifindex: peerIfindex });
  if (host?.kind !== 'veth') return undefined;
  return isPair({ rtnl: node.rtnl(), nsFd: node.netnsFd(), link: host }, inner) ? host : undefined;
}

/** The first free name of the form ethN in the namespace. */
function freeName(inside: Rtnl): string {
  const names = new Set(linkDump(inside, { statistics: false }).map(({ name }) => name));
  let number = 0;
  while (names.has(`eth${number}`)) number++;
  return `eth${number}`;
}
