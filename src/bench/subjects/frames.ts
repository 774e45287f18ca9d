/** Frames for test runs of programs. All fields that the datapath reads are valid. */
import { ipToBytes16 } from '../../model/address/ip.js';
import { macToBytes } from '../../model/address/mac.js';

/** EtherTypes. */
const TYPE = { ip4: 0x0800, arp: 0x0806, ip6: 0x86dd, other: 0x88b5 } as const;
const UDP = 17;
/** Size of the UDP payload, in bytes. It makes an IPv4 frame 64 bytes with FCS, the Ethernet minimum. */
const PAYLOAD = 18;
export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** Addresses of a sender or receiver. */
export interface Station {
  readonly mac: string;
  readonly ip4: string;
  readonly ip6: string;
}

const u16 = (value: number): readonly number[] => [(value >>> 8) & 0xff, value & 0xff];

const ip4Bytes = (address: string): Uint8Array => ipToBytes16(address).subarray(12);

function frame(
  to: string,
  from: string,
  type: number,
  ...parts: readonly (Uint8Array | readonly number[])[]
): Uint8Array {
  const bytes = parts.flatMap((part) => [...part]);
  return Uint8Array.from([...macToBytes(to), ...macToBytes(from), ...u16(type), ...bytes]);
}

const udp = (): readonly number[] => [
  ...u16(1000),
  ...u16(2000),
  ...u16(8 + PAYLOAD),
  ...u16(0),
  ...new Uint8Array(PAYLOAD),
];

/** A small UDP packet over IPv4. Checksums are zero, since no program verifies them. */
export function udp4(from: Station, to: Station, toMac = to.mac): Uint8Array {
  const length = 20 + 8 + PAYLOAD;
  const head = [0x45, 0, ...u16(length), ...u16(1), ...u16(0), 64, UDP, ...u16(0)];
  return frame(toMac, from.mac, TYPE.ip4, head, ip4Bytes(from.ip4), ip4Bytes(to.ip4), udp());
}

/** A small UDP packet over IPv6. */
export function udp6(from: Station, to: Station): Uint8Array {
  const head = [0x60, 0, 0, 0, ...u16(8 + PAYLOAD), UDP, 64];
  return frame(to.mac, from.mac, TYPE.ip6, head, ipToBytes16(from.ip6), ipToBytes16(to.ip6), udp());
}

/** An ARP request for the address of `to`. */
export function arpRequest(from: Station, to: Station): Uint8Array {
  const head = [...u16(1), ...u16(TYPE.ip4), 6, 4, ...u16(1)];
  return frame(
    BROADCAST,
    from.mac,
    TYPE.arp,
    head,
    macToBytes(from.mac),
    ip4Bytes(from.ip4),
    new Uint8Array(6),
    ip4Bytes(to.ip4),
    new Uint8Array(18),
  );
}
