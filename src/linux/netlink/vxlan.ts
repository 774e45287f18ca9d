/** A VXLAN device of the kernel without a VNI of its own. */

import { attribute, concat, NLM_F, nested, text, u8 } from '../../../loader/netlink/codec.js';
import { linkDelete, linkGet, linkSet } from './link.js';
import { IFLA, IFLA_INFO, ifinfomsg, RTM, settingsAttributes } from './link-attributes.js';
import { type Rtnl, request } from './socket.js';
import { IFLA_VXLAN } from './vxlan-info.js';

/** A device that holds the UDP port of a tunnel without being one. */
export interface VxlanExternalSpec {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: string;
  readonly port: number;
  readonly alias: string;
}

/**
 * Make a VXLAN device in metadata mode. While it is up, the kernel merges VXLAN packets to its port (GRO);
 * bringing it up may throw KERNEL_EADDRINUSE (a socket has the port). Throws KERNEL_EEXIST (the port has such
 * a device, or the name is taken), KERNEL_EOPNOTSUPP (no VXLAN in this kernel).
 */
export function linkAddVxlanExternal(rtnl: Rtnl, spec: VxlanExternalSpec): void {
  const { name, ifindex, mac, port, alias } = spec;
  const info = nested(IFLA.LINKINFO, [
    attribute(IFLA_INFO.KIND, text('vxlan')),
    nested(IFLA_INFO.DATA, [
      attribute(IFLA_VXLAN.PORT, Uint8Array.of(port >> 8, port & 0xff)),
      attribute(IFLA_VXLAN.LEARNING, u8(0)),
      // On IPv6 the kernel drops datagrams without a checksum unless told that VXLAN sends them so.
      attribute(IFLA_VXLAN.UDP_ZERO_CSUM6_RX, u8(1)),
      attribute(IFLA_VXLAN.COLLECT_METADATA, u8(1)),
    ]),
  ]);
  request(
    rtnl,
    `add vxlan ${name} port ${port}`,
    RTM.NEWLINK,
    NLM_F.CREATE | NLM_F.EXCL,
    concat([ifinfomsg(ifindex), ...settingsAttributes({ name, mac }), info]),
  );
  try {
    const mode = linkGet(rtnl, { ifindex })?.addrGenMode;
    linkSet(rtnl, ifindex, { alias, addrGenMode: mode === undefined ? undefined : 'none' });
  } catch (error) {
    linkDelete(rtnl, { ifindex });
    throw error;
  }
}
