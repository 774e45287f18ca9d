/** Valid frames of every kind that the datapath parses, as input for mutations. */
import {
  arp,
  BROADCAST,
  checksum,
  dhcp,
  eth,
  extension,
  fragment,
  ip,
  ip4,
  ip6,
  join,
  PROTO,
  TYPE,
  u16,
  u32,
  udp,
  vlan,
} from '../../packet/helpers/frame.js';
import {
  advert,
  groupMac,
  ICMP6,
  icmp6Packet,
  macOption,
  SOURCE_MAC,
  solicit,
  solicitedNode,
  TARGET_MAC,
} from '../../packet/helpers/nd.js';

/** Sender or receiver of a frame. */
export interface Party {
  readonly mac: string;
  readonly ip4: string;
  readonly ip6: string;
}

const MORE = 0x2000;
/** Inside VXLAN that no node has encapsulated. */
const FORGED_VNI = 0xbadbad;

/** A segment with a correct checksum: XDP accepts no others. */
function tcp(from: string, to: string, flags: number, length: number, seq = 1): Uint8Array {
  const make = (sum: number) =>
    join(
      [...u16(7), ...u16(80), ...u32(seq), ...u32(1), 0x50, flags],
      [...u16(900), ...u16(sum), ...u16(0)],
      new Uint8Array(length).fill(0x47),
    );
  const whole = make(0);
  return make(checksum(join(ip(from), ip(to), u32(PROTO.tcp), u32(whole.length), whole)));
}

/** Frames from one party to another, or to everybody. */
export function corpus(from: Party, to: Party, router: Party): Uint8Array[] {
  const [src, dst] = [from.ip4, to.ip4];
  const v4 = (protocol: number, body: Uint8Array, more = {}) =>
    eth(to.mac, from.mac, TYPE.ip4, ip4({ src, dst, protocol, ...more }, body));
  const v6 = (next: number, ...body: Uint8Array[]) =>
    eth(to.mac, from.mac, TYPE.ip6, ip6({ src: from.ip6, dst: to.ip6, next }, ...body));
  const group = (address: string, packet: Uint8Array) =>
    eth(groupMac(address), from.mac, TYPE.ip6, packet);
  const ask = { senderMac: from.mac, sender: src, target: dst };
  const quote4 = ip4({ src: dst, dst: src }, udp(5000, 4789));
  const quote6 = ip6({ src: to.ip6, dst: from.ip6 }, udp(5000, 4789));
  const target = macOption(TARGET_MAC, from.mac);
  const source = macOption(SOURCE_MAC, from.mac);
  const all = 'ff02::1';
  const word = udp(4000, 4001, new Uint8Array(30));
  const nested = udp(
    50_000,
    4789,
    join(u32(0x08000000), u32(FORGED_VNI << 8), v4(PROTO.udp, word)),
  );
  const own = [
    v4(PROTO.tcp, tcp(src, dst, 0x10, 60)),
    v4(PROTO.tcp, tcp(src, dst, 0x10, 60, 61)),
    v4(PROTO.tcp, tcp(src, dst, 0x02, 0)),
    v4(PROTO.udp, word),
    v4(PROTO.udp, word, { options: [1, 1, 1, 0] }),
    v4(PROTO.udp, word, { fragment: MORE }),
    v4(PROTO.udp, word, { fragment: 3 }),
    v4(PROTO.udp, nested),
    v4(PROTO.udp, nested, { options: [1, 1, 1, 0] }),
    v4(PROTO.udp, nested.subarray(0, 16), { fragment: MORE }),
    v4(PROTO.udp, nested.subarray(16), { fragment: 2 }),
    v4(PROTO.udp, nested.subarray(0, 8), { fragment: MORE }),
    v4(PROTO.udp, nested.subarray(8), { fragment: 1 }),
    v4(PROTO.icmp, join([8, 0, 0, 0], u32(1), new Uint8Array(40))),
    v4(PROTO.icmp, join([3, 4, 0, 0], u32(600), quote4)),
    v4(PROTO.icmp, join([5, 1, 0, 0], ip(src), quote4)),
    v4(PROTO.icmp, join([9, 0, 0, 0], [1, 2, 0, 60], ip(src), u32(0))),
    v6(PROTO.tcp, tcp(from.ip6, to.ip6, 0x10, 60)),
    v6(PROTO.tcp, tcp(from.ip6, to.ip6, 0x10, 60, 61)),
    v6(PROTO.udp, word),
    v6(PROTO.udp, nested),
    v6(PROTO.destination, extension(PROTO.udp), nested),
    v6(PROTO.fragment, fragment(PROTO.udp, 0, true), nested.subarray(0, 16)),
    v6(PROTO.fragment, fragment(PROTO.udp, 16, false), nested.subarray(16)),
    v6(PROTO.hopByHop, extension(PROTO.destination), extension(PROTO.udp), word),
    v6(PROTO.fragment, fragment(PROTO.udp, 0, true), word),
    v6(PROTO.fragment, fragment(PROTO.udp, 64, false), word),
    v6(PROTO.ah, Uint8Array.from([PROTO.udp, 4, ...new Uint8Array(22)]), word),
    v6(PROTO.icmp6, join([2, 0, 0, 0], u32(600), quote6)),
    v6(PROTO.icmp6, join([1, 0, 0, 0], u32(0), quote6)),
    eth(BROADCAST, from.mac, TYPE.arp, arp(ask)),
    eth(to.mac, from.mac, TYPE.arp, arp({ ...ask, op: 2, targetMac: to.mac })),
    eth(BROADCAST, from.mac, TYPE.arp, arp({ ...ask, target: src })),
    eth(BROADCAST, from.mac, TYPE.arp, arp({ ...ask, sender: '0.0.0.0' })),
    eth(
      BROADCAST,
      from.mac,
      TYPE.ip4,
      ip4({ src: '0.0.0.0', dst: '255.255.255.255' }, udp(68, 67, dhcp(from.mac))),
    ),
    group(solicitedNode(to.ip6), solicit(to.ip6, from.ip6, source)),
    group(solicitedNode(to.ip6), solicit(to.ip6, '::')),
    group(all, advert(from.ip6, from.ip6, all, 0x20, target)),
    group(all, icmp6Packet({ src: from.ip6, dst: all }, ICMP6.routerSolicit, u32(0), source)),
    group(
      all,
      icmp6Packet(
        { src: from.ip6, dst: all },
        ICMP6.routerAdvert,
        [64, 0, 0, 9, ...u32(0), ...u32(0)],
        source,
        [3, 4, 64, 0xc0, ...u32(9), ...u32(9), ...u32(0), ...ip('fd77::')],
      ),
    ),
    group(
      all,
      icmp6Packet(
        { src: router.ip6, dst: all },
        ICMP6.redirect,
        u32(0),
        ip(from.ip6),
        ip(to.ip6),
        target,
      ),
    ),
    eth('01:80:c2:00:00:00', from.mac, 38, new Uint8Array(38)),
    eth('01:80:c2:00:00:0e', from.mac, TYPE.lldp, new Uint8Array(46)),
    eth(to.mac, from.mac, TYPE.other, new Uint8Array(46)),
    eth(to.mac, from.mac, TYPE.other),
    eth('0a:58:00:00:77:77', from.mac, TYPE.other, new Uint8Array(46)),
  ];
  const tagged = own
    .filter((_, at) => at % 3 === 0)
    .flatMap((frame) => [tag(frame, 0), tag(tag(frame, 7), 8), tag(tag(tag(frame, 1), 2), 3)]);
  return [...own, ...tagged];
}

/** The frame inside a VLAN. */
export function tag(frame: Uint8Array, id: number): Uint8Array {
  const type = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  return join(frame.subarray(0, 12), u16(TYPE.vlan), vlan(id, type), frame.subarray(14));
}
