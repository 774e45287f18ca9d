/**
 * Veth and netkit pairs. One message makes both ends, with the far end created in its own namespace, so that
 * no half-made pair ever appears in the wrong one.
 */

import { constants } from 'node:os';
import { errnoOf, kernelError } from '../../../loader/errors.js';
import { attribute, concat, NLM_F, nested, text, u32 } from '../../../loader/netlink/codec.js';
import { linkDelete, linkGet, linkSet } from './link.js';
import {
  IFLA,
  IFLA_INFO,
  IFLA_NETKIT,
  ifinfomsg,
  type LinkSettings,
  NETKIT_L2,
  RTM,
  settingsAttributes,
  VETH_INFO_PEER,
} from './link-attributes.js';
import type { Link } from './link-decode.js';
import { type Rtnl, request } from './socket.js';

/** The far end of a new pair. */
export interface VethPeer extends LinkSettings {
  readonly name: string;
  /** Number of the far end; chosen by the kernel if not given. */
  readonly ifindex?: number | undefined;
  /** Open namespace in which the far end is created; the socket's own by default. */
  readonly nsFd?: number | undefined;
}

/** A new pair; the near end is created in the socket's namespace. */
export interface VethSpec extends Omit<LinkSettings, 'nsFd'> {
  readonly name: string;
  /** Number of the near end (EEXIST when taken); chosen by the kernel if not given. */
  readonly ifindex?: number | undefined;
  readonly alias?: string | undefined;
  /** Bring the near end up; linkSet brings the far end up in its own namespace. */
  readonly up?: boolean | undefined;
  readonly peer: VethPeer;
}

/**
 * Make a veth pair and return its near end (`peerIfindex` is the far end's index there). The near end gets no
 * IPv6 link-local address (addr_gen_mode none): it is a port of a switch, not a host on it. The kernel
 * accepts alias and generation mode only in a second message; if that fails the pair is deleted again. Throws
 * KERNEL_EEXIST when a name or number is taken, KERNEL_EINVAL for a bad name or MTU, MAC_INVALID for a
 * malformed MAC.
 */
export function linkAddVeth(rtnl: Rtnl, spec: VethSpec): Link {
  return addPair(rtnl, spec, 'veth', (far) => [attribute(VETH_INFO_PEER, far)]);
}

/**
 * Make a netkit pair with the near end as its primary, as linkAddVeth makes a veth. Its ends carry Ethernet
 * frames (the kernel's default is bare IP without a MAC), and without a BPF program of netkit's own they pass
 * every frame on. Throws as linkAddVeth does, and KERNEL_EOPNOTSUPP if the kernel has no netkit, or none with
 * a settable MAC (before 6.10).
 */
export function linkAddNetkit(rtnl: Rtnl, spec: VethSpec): Link {
  return addPair(rtnl, spec, 'netkit', (far) => [
    attribute(IFLA_NETKIT.PEER_INFO, far),
    attribute(IFLA_NETKIT.MODE, u32(NETKIT_L2)),
  ]);
}

/** A multicast address, which no device can have. */
const NO_MAC = '01:00:00:00:00:00';

/**
 * Whether the kernel makes netkit pairs with a given MAC. The request has a MAC that no device can have: a
 * kernel that supports such pairs rejects the MAC, so nothing is made either way. Throws KERNEL_* (exit 2) if
 * the answer does not decide it.
 */
export function hasNetkit(rtnl: Rtnl): boolean {
  const info = nested(IFLA.LINKINFO, [
    attribute(IFLA_INFO.KIND, text('netkit')),
    nested(IFLA_INFO.DATA, [attribute(IFLA_NETKIT.MODE, u32(NETKIT_L2))]),
  ]);
  const near = settingsAttributes({ name: 'dpprobe0', mac: NO_MAC });
  const body = concat([ifinfomsg(0), ...near, info]);
  try {
    request(rtnl, 'ask for netkit', RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, body);
  } catch (error) {
    if (errnoOf(error) === 'EADDRNOTAVAIL') return true;
    if (errnoOf(error) !== 'EOPNOTSUPP') throw error;
    return false;
  }
  linkDelete(rtnl, { name: 'dpprobe0' });
  return true;
}

function addPair(
  rtnl: Rtnl,
  spec: VethSpec,
  kind: string,
  dataOf: (far: Uint8Array) => Uint8Array[],
): Link {
  const far = concat([ifinfomsg(spec.peer.ifindex ?? 0), ...settingsAttributes(spec.peer)]);
  const info = nested(IFLA.LINKINFO, [
    attribute(IFLA_INFO.KIND, text(kind)),
    nested(IFLA_INFO.DATA, dataOf(far)),
  ]);
  const near = settingsAttributes({ ...spec, nsFd: undefined });
  request(
    rtnl,
    `add ${kind} ${spec.name} with peer ${spec.peer.name}`,
    RTM.NEWLINK,
    NLM_F.CREATE | NLM_F.EXCL,
    concat([ifinfomsg(spec.ifindex ?? 0), ...near, info]),
  );
  try {
    return finishNearEnd(rtnl, spec);
  } catch (error) {
    linkDelete(rtnl, { name: spec.name });
    throw error;
  }
}

function finishNearEnd(rtnl: Rtnl, spec: VethSpec): Link {
  const { ifindex, addrGenMode } = present(linkGet(rtnl, { name: spec.name }), spec);
  linkSet(rtnl, ifindex, {
    alias: spec.alias,
    up: spec.up,
    // If IPv6 is off there is no mode to set: the kernel would refuse the message.
    addrGenMode: addrGenMode === undefined ? undefined : 'none',
  });
  return present(linkGet(rtnl, { ifindex }), spec);
}

/** The link may be gone again, if another process deleted the namespace of the far end. */
function present(link: Link | undefined, spec: VethSpec): Link {
  if (link === undefined) throw kernelError(`read link ${spec.name}`, constants.errno.ENODEV);
  return link;
}
