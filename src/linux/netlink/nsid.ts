/**
 * Namespace ids: how one namespace names another in linkNetnsId.
 *
 * Source: include/uapi/linux/net_namespace.h.
 */

import {
  attribute,
  concat,
  decodeAttributes,
  readInt32,
  u32,
} from '../../../loader/netlink/codec.js';
import { RTM } from './link-attributes.js';
import { type Rtnl, request } from './socket.js';

const NETNSA_NSID = 1;
const NETNSA_FD = 3;

/**
 * The id by which the socket's namespace knows the namespace of `nsFd` (compare it with a link's
 * linkNetnsId); undefined when it has none, so no link leads there. Throws KERNEL_EINVAL when nsFd is not a
 * network namespace.
 */
export function nsidOf(rtnl: Rtnl, nsFd: number): number | undefined {
  // struct rtgenmsg is one byte, padded.
  const body = concat([new Uint8Array(4), attribute(NETNSA_FD, u32(nsFd))]);
  const [message] = request(rtnl, 'read the id of a namespace', RTM.GETNSID, 0, body);
  const id = message && readInt32(decodeAttributes(message.body, 4).get(NETNSA_NSID));
  return id === undefined || id < 0 ? undefined : id;
}
