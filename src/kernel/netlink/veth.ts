/**
 * Veth pairs: both ends made by one message, the far end born in the namespace it is for, so that no
 * half-made pair is ever seen in the wrong one.
 */

import { constants } from 'node:os';
import { kernelError } from '../../../loader/errors.js';
import { attribute, concat, NLM_F, nested, text } from './codec.js';
import { linkDelete, linkGet, linkSet } from './link.js';
import {
  IFLA,
  IFLA_INFO,
  ifinfomsg,
  type LinkSettings,
  RTM,
  settingsAttributes,
  VETH_INFO_PEER,
} from './link-attributes.js';
import type { Link } from './link-decode.js';
import { type Rtnl, request } from './socket.js';

/** The far end of a new pair. */
export interface VethPeer extends LinkSettings {
  readonly name: string;
  /** Number the far end gets; the kernel picks one when not given. */
  readonly ifindex?: number | undefined;
  /** Open namespace that the far end is born in; without one, the socket's own. */
  readonly nsFd?: number | undefined;
}

/** A new pair; the near end is born in the socket's namespace. */
export interface VethSpec extends Omit<LinkSettings, 'nsFd'> {
  readonly name: string;
  /** Number the near end gets (EEXIST when taken); the kernel picks one when not given. */
  readonly ifindex?: number | undefined;
  readonly alias?: string | undefined;
  /** Brings the near end up; the far end is brought up by linkSet in its own namespace. */
  readonly up?: boolean | undefined;
  readonly peer: VethPeer;
}

/**
 * Makes a veth pair and returns its near end (`peerIfindex` is the far end's index there). The near
 * end gets no IPv6 link-local address (addr_gen_mode none): it is a port of a switch, not a host on it.
 * The kernel takes alias and generation mode only in a second message; when that one fails the pair is
 * deleted again. Throws KERNEL_EEXIST when a name or number is taken, KERNEL_EINVAL for a bad name or MTU,
 * BAD_ADDRESS for a malformed MAC.
 */
export function linkAddVeth(rtnl: Rtnl, spec: VethSpec): Link {
  const far = concat([ifinfomsg(spec.peer.ifindex ?? 0), ...settingsAttributes(spec.peer)]);
  const info = nested(IFLA.LINKINFO, [
    attribute(IFLA_INFO.KIND, text('veth')),
    nested(IFLA_INFO.DATA, [attribute(VETH_INFO_PEER, far)]),
  ]);
  const near = settingsAttributes({ ...spec, nsFd: undefined });
  request(
    rtnl,
    `add veth ${spec.name} with peer ${spec.peer.name}`,
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
    // There is no mode to set where IPv6 is off: the kernel would refuse the message.
    addrGenMode: addrGenMode === undefined ? undefined : 'none',
  });
  return present(linkGet(rtnl, { ifindex }), spec);
}

/** The link may be gone again: somebody deleted the namespace that the far end was born in. */
function present(link: Link | undefined, spec: VethSpec): Link {
  if (link === undefined) throw kernelError(`read link ${spec.name}`, constants.errno.ENODEV);
  return link;
}
