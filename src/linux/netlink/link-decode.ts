/**
 * A link as the kernel describes it.
 */

import {
  type Attributes,
  decodeAttributes,
  type Message,
  readInt32,
  readText,
  readUint,
  viewOf,
} from '../../../loader/netlink/codec.js';
import { AF, macText } from './address-bytes.js';
import {
  ADDR_GEN_MODES,
  type AddrGenMode,
  IFF,
  IFLA,
  IFLA_INET6_ADDR_GEN_MODE,
  IFLA_INFO,
  OPERSTATES,
} from './link-attributes.js';
import { decodeVxlan, type VxlanInfo } from './vxlan-info.js';

/**
 * Counters of a device since it was made (struct rtnl_link_stats64). Packets and bytes are numbers: exact to
 * 2^53.
 */
export interface LinkStatistics {
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxErrors: number;
  readonly txErrors: number;
  readonly rxDropped: number;
  readonly txDropped: number;
  readonly multicast: number;
}

/** One network device. Sizes in bytes; an attribute that the kernel did not send is undefined. */
export interface Link {
  readonly ifindex: number;
  readonly name: string;
  /** "veth", "bridge", "vxlan" ...; undefined for physical devices and lo. */
  readonly kind: string | undefined;
  /** Frames begin with an Ethernet header; false for lo and for layer-3 tunnels. */
  readonly ethernet: boolean;
  /** Lower case with colons; '' if the device has none. */
  readonly mac: string;
  readonly mtu: number;
  readonly minMtu: number | undefined;
  readonly maxMtu: number | undefined;
  /** As iproute2 prints them: NO-CARRIER for a device that is up but not running; RUNNING is left out. */
  readonly flags: readonly string[];
  /** Administratively up. */
  readonly up: boolean;
  /** Up with a carrier; for a veth the peer is up too. */
  readonly running: boolean;
  /** RFC 2863 state: 'UP', 'DOWN', 'LOWERLAYERDOWN' ... */
  readonly operstate: string;
  readonly alias: string | undefined;
  /** IFLA_LINK: for a veth its peer, in the namespace that linkNetnsId names; for a vlan its parent. */
  readonly peerIfindex: number | undefined;
  /** Id of the peer's namespace as seen from this one; undefined when it is the same. */
  readonly linkNetnsId: number | undefined;
  /** Ifindex of the bridge, bond or vrf that the device is a port of. */
  readonly master: number | undefined;
  readonly gsoMaxSize: number | undefined;
  readonly groMaxSize: number | undefined;
  readonly gsoIpv4MaxSize: number | undefined;
  readonly groIpv4MaxSize: number | undefined;
  /** Upper limit of gsoMaxSize. */
  readonly tsoMaxSize: number | undefined;
  /** Undefined if IPv6 is off on the device. */
  readonly addrGenMode: AddrGenMode | undefined;
  readonly statistics64: LinkStatistics | undefined;
  /** Only for a device of kind vxlan. */
  readonly vxlan: VxlanInfo | undefined;
}

/** Type of a device (linux/if_arp.h). */
const ARPHRD_ETHER = 1;

/** Decodes the body of an RTM_NEWLINK. Without counters two dumps of an unchanged device are equal. */
export function decodeLink(message: Message, statistics = true): Link {
  const view = viewOf(message.body);
  const bits = view.getUint32(8, true);
  const attributes = decodeAttributes(message.body, 16);
  const size = (type: number): number | undefined => readUint(attributes.get(type));
  const linkInfo = attributes.get(IFLA.LINKINFO);
  const info = linkInfo && decodeAttributes(linkInfo);
  const kind = readText(info?.get(IFLA_INFO.KIND));
  const data = info?.get(IFLA_INFO.DATA);
  return {
    ifindex: view.getInt32(4, true),
    name: readText(attributes.get(IFLA.IFNAME)) ?? '',
    kind,
    ethernet: view.getUint16(2, true) === ARPHRD_ETHER,
    mac: macText(attributes.get(IFLA.ADDRESS) ?? new Uint8Array()),
    mtu: size(IFLA.MTU) ?? 0,
    minMtu: size(IFLA.MIN_MTU),
    maxMtu: size(IFLA.MAX_MTU),
    flags: flagNames(bits),
    up: (bits & IFF.UP) !== 0,
    running: (bits & IFF.RUNNING) !== 0,
    operstate: OPERSTATES[size(IFLA.OPERSTATE) ?? 0] ?? 'UNKNOWN',
    alias: readText(attributes.get(IFLA.IFALIAS)),
    peerIfindex: size(IFLA.LINK),
    linkNetnsId: readInt32(attributes.get(IFLA.LINK_NETNSID)),
    master: size(IFLA.MASTER),
    gsoMaxSize: size(IFLA.GSO_MAX_SIZE),
    groMaxSize: size(IFLA.GRO_MAX_SIZE),
    gsoIpv4MaxSize: size(IFLA.GSO_IPV4_MAX_SIZE),
    groIpv4MaxSize: size(IFLA.GRO_IPV4_MAX_SIZE),
    tsoMaxSize: size(IFLA.TSO_MAX_SIZE),
    addrGenMode: decodeAddrGenMode(attributes),
    statistics64: statistics ? decodeStatistics(attributes.get(IFLA.STATS64)) : undefined,
    vxlan: kind === 'vxlan' && data !== undefined ? decodeVxlan(data) : undefined,
  };
}

/** Built once: some commands decode thousands of devices. */
const FLAGS = Object.entries(IFF).filter(([name]) => name !== 'RUNNING');
const MODES = new Map<number, AddrGenMode>(
  (Object.keys(ADDR_GEN_MODES) as AddrGenMode[]).map((name) => [ADDR_GEN_MODES[name], name]),
);

function flagNames(bits: number): string[] {
  const set = FLAGS.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name);
  return (bits & (IFF.UP | IFF.RUNNING)) === IFF.UP ? ['NO-CARRIER', ...set] : set;
}

function decodeAddrGenMode(attributes: Attributes): AddrGenMode | undefined {
  const families = attributes.get(IFLA.AF_SPEC);
  const inet6 = families && decodeAttributes(families).get(AF.INET6);
  const mode = inet6 && readUint(decodeAttributes(inet6).get(IFLA_INET6_ADDR_GEN_MODE));
  return mode === undefined ? undefined : MODES.get(mode);
}

/**
 * The first nine counters of struct rtnl_link_stats64, 64 bits each; the attribute is only 4-byte aligned.
 */
function decodeStatistics(payload: Uint8Array | undefined): LinkStatistics | undefined {
  if (payload === undefined || payload.length < 9 * 8) return undefined;
  const view = viewOf(payload);
  const at = (index: number): number => Number(view.getBigUint64(index * 8, true));
  return {
    rxPackets: at(0),
    txPackets: at(1),
    rxBytes: at(2),
    txBytes: at(3),
    rxErrors: at(4),
    txErrors: at(5),
    rxDropped: at(6),
    txDropped: at(7),
    multicast: at(8),
  };
}

/** Up and with a carrier (netif_carrier_ok): both ends of a pair are up. */
export function hasCarrier({ flags }: Link): boolean {
  return flags.includes('LOWER_UP');
}
