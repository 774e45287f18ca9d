/**
 * Numbers of rtnetlink's link messages, and the two encoders that link.ts and pair.ts share.
 *
 * Source: include/uapi/linux/if_link.h, if.h, rtnetlink.h, veth.h. Listed here because the headers of Debian
 * 12 lack the IPv4 BIG TCP attributes (6.3) and netkit (6.7).
 */

import { attribute, nested, text, u8, u32, viewOf } from '../../../loader/netlink/codec.js';
import { macBytes } from './address-bytes.js';

export const RTM = { NEWLINK: 16, DELLINK: 17, GETLINK: 18, GETNSID: 90 } as const;

export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  IFALIAS: 20,
  STATS64: 23,
  AF_SPEC: 26,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  LINK_NETNSID: 37,
  GSO_MAX_SIZE: 41,
  MIN_MTU: 50,
  MAX_MTU: 51,
  GRO_MAX_SIZE: 58,
  TSO_MAX_SIZE: 59,
  GSO_IPV4_MAX_SIZE: 63,
  GRO_IPV4_MAX_SIZE: 64,
} as const;

export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
export const VETH_INFO_PEER = 1;
export const IFLA_NETKIT = { PEER_INFO: 1, MODE: 5 } as const;
/** Its ends carry Ethernet frames (enum netkit_mode). */
export const NETKIT_L2 = 0;
export const IFLA_INET6_ADDR_GEN_MODE = 8;

/** Interface flags (ifi_flags) by the name iproute2 prints, lowest bit first. */
export const IFF = {
  UP: 0x1,
  BROADCAST: 0x2,
  DEBUG: 0x4,
  LOOPBACK: 0x8,
  POINTOPOINT: 0x10,
  NOTRAILERS: 0x20,
  RUNNING: 0x40,
  NOARP: 0x80,
  PROMISC: 0x100,
  ALLMULTI: 0x200,
  MASTER: 0x400,
  SLAVE: 0x800,
  MULTICAST: 0x1000,
  PORTSEL: 0x2000,
  AUTOMEDIA: 0x4000,
  DYNAMIC: 0x8000,
  LOWER_UP: 0x10000,
  DORMANT: 0x20000,
  ECHO: 0x40000,
} as const;

/** IF_OPER_* by number, as iproute2 names them. */
export const OPERSTATES = [
  'UNKNOWN',
  'NOTPRESENT',
  'DOWN',
  'LOWERLAYERDOWN',
  'TESTING',
  'DORMANT',
  'UP',
] as const;

/** How the kernel makes the link-local IPv6 address of a device (IN6_ADDR_GEN_MODE_*). */
export const ADDR_GEN_MODES = { eui64: 0, none: 1, 'stable-privacy': 2, random: 3 } as const;

/** Name of a mode for making link-local addresses. */
export type AddrGenMode = keyof typeof ADDR_GEN_MODES;

/** The 16 bytes of struct ifinfomsg. `flags` are set where `change` has the bit. */
export function ifinfomsg(ifindex: number, flags = 0, change = 0): Uint8Array {
  const out = new Uint8Array(16);
  const view = viewOf(out);
  view.setInt32(4, ifindex, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return out;
}

/** Settings of a link that are possible both at creation and later; sizes in bytes. */
export interface LinkSettings {
  readonly name?: string | undefined;
  /** "aa:bb:cc:dd:ee:ff" */
  readonly mac?: string | undefined;
  readonly mtu?: number | undefined;
  /** Open namespace to move the link to (or to make it in). */
  readonly nsFd?: number | undefined;
  /** Largest GSO packet handed to the device, for IPv6 and everything else but IPv4 (IFLA_GSO_MAX_SIZE). */
  readonly gsoMaxSize?: number | undefined;
  readonly groMaxSize?: number | undefined;
  readonly gsoIpv4MaxSize?: number | undefined;
  readonly groIpv4MaxSize?: number | undefined;
}

/** Attributes of LinkSettings, without the unset ones. Throws MAC_INVALID for a malformed MAC. */
export function settingsAttributes(settings: LinkSettings): Uint8Array[] {
  const out: Uint8Array[] = [];
  if (settings.name !== undefined) out.push(attribute(IFLA.IFNAME, text(settings.name)));
  if (settings.mac !== undefined) out.push(attribute(IFLA.ADDRESS, macBytes(settings.mac)));
  const numbers = [
    [IFLA.MTU, settings.mtu],
    [IFLA.NET_NS_FD, settings.nsFd],
    // IPv6 sizes first: setting one of at most 64 KiB also sets its IPv4 sibling (netif_set_gso_max_size).
    [IFLA.GSO_MAX_SIZE, settings.gsoMaxSize],
    [IFLA.GRO_MAX_SIZE, settings.groMaxSize],
    [IFLA.GSO_IPV4_MAX_SIZE, settings.gsoIpv4MaxSize],
    [IFLA.GRO_IPV4_MAX_SIZE, settings.groIpv4MaxSize],
  ] as const;
  for (const [type, value] of numbers) {
    if (value !== undefined) out.push(attribute(type, u32(value)));
  }
  return out;
}

/** IFLA_AF_SPEC that sets the address generation mode. */
export function addrGenModeAttribute(mode: AddrGenMode): Uint8Array {
  const inet6 = nested(10, [attribute(IFLA_INET6_ADDR_GEN_MODE, u8(ADDR_GEN_MODES[mode]))]);
  return nested(IFLA.AF_SPEC, [inet6]);
}
