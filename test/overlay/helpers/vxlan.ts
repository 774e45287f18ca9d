/** VXLAN packets byte by byte, so that a test can make any of them invalid. */
import { checksum, ip, ip16, join, mac, u16, u32 } from '../../packet/helpers/frame.js';
import { PORT } from './address-plan.js';

/** Fields of the outer headers; valid values by default. */
export interface Outer {
  /** MACs of the devices on the underlay. */
  readonly toMac: string;
  readonly fromMac: string;
  readonly to: string;
  readonly from: string;
  readonly vni: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly id?: number;
  /** Flags and offset of a fragment, as in the IPv4 header; for IPv6 those of the extension header. */
  readonly fragment?: number;
  readonly port?: number;
  /** Lengths that differ from the correct ones by this much. */
  readonly ipLength?: number;
  readonly udpLength?: number;
  readonly flags?: number;
  /** Of UDP; none by default. `right` is computed, and `wrong` differs by a bit. */
  readonly checksum?: number | 'right' | 'wrong';
  /** Bits of the IPv4 header's checksum to invert. */
  readonly ipChecksum?: number;
}

/** The packet with a frame inside. */
export function vxlan(it: Outer, inner: Uint8Array | readonly number[]): Uint8Array {
  const head = join([it.flags ?? 8, 0, 0, 0], u32(it.vni << 8));
  const udpLength = 8 + head.length + inner.length + (it.udpLength ?? 0);
  const six = it.to.includes(':');
  const make = (sum: number) =>
    join(u16(55_555), u16(it.port ?? PORT), u16(udpLength), u16(sum), head, inner);
  const address = six ? ip16 : ip;
  const right = () =>
    checksum(join(address(it.from), address(it.to), u32(udpLength), u32(17), make(0)));
  const wanted = it.checksum ?? 0;
  const datagram = make(
    wanted === 'right' ? right() : wanted === 'wrong' ? right() ^ 0x0400 : wanted,
  );
  const packet = six ? packet6(it, datagram) : packet4(it, datagram);
  return join(mac(it.toMac), mac(it.fromMac), u16(six ? 0x86dd : 0x0800), packet);
}

function packet4(it: Outer, datagram: Uint8Array): Uint8Array {
  const head = (sum: number) =>
    join(
      [0x45, it.tos ?? 0],
      u16(20 + datagram.length + (it.ipLength ?? 0)),
      u16(it.id ?? 7),
      u16(it.fragment ?? 0x4000),
      [it.ttl ?? 64, 17],
      u16(sum),
      ip(it.from),
      ip(it.to),
    );
  return join(head(checksum(head(0)) ^ (it.ipChecksum ?? 0)), datagram);
}

function packet6(it: Outer, datagram: Uint8Array): Uint8Array {
  const extension = it.fragment === undefined ? [] : [17, 0, ...u16(it.fragment), 0, 0, 0, 7];
  return join(
    u32(0x6000_0000 + ((it.tos ?? 0) << 20)),
    u16(extension.length + datagram.length + (it.ipLength ?? 0)),
    [it.fragment === undefined ? 17 : 44, it.ttl ?? 64],
    ip16(it.from),
    ip16(it.to),
    extension,
    datagram,
  );
}
