/**
 * The kernel's description of a VXLAN device.
 *
 * Source: include/uapi/linux/if_link.h.
 */

import { decodeAttributes, readUint } from '../../../loader/netlink/codec.js';

/** Attributes of IFLA_INFO_DATA of a VXLAN device. */
export const IFLA_VXLAN = {
  ID: 1,
  LEARNING: 7,
  PORT: 15,
  UDP_ZERO_CSUM6_RX: 20,
  COLLECT_METADATA: 25,
} as const;

/** The properties by which a VXLAN device accepts a packet. */
export interface VxlanInfo {
  /** VNI; 0 for a device that accepts all. */
  readonly vni: number;
  /** UDP port. */
  readonly port: number;
  /** It accepts every VNI that no other device has, and leaves the handling to others (`external`). */
  readonly external: boolean;
}

/** Reads IFLA_INFO_DATA of a device of kind vxlan. */
export function decodeVxlan(data: Uint8Array): VxlanInfo {
  const attributes = decodeAttributes(data);
  const port = attributes.get(IFLA_VXLAN.PORT);
  return {
    vni: readUint(attributes.get(IFLA_VXLAN.ID)) ?? 0,
    // The only one of these attributes in network byte order.
    port: port === undefined ? 0 : ((port[0] ?? 0) << 8) | (port[1] ?? 0),
    external: readUint(attributes.get(IFLA_VXLAN.COLLECT_METADATA)) === 1,
  };
}
