/** Random packets for a node's underlay: valid VXLAN, invalid VXLAN, and noise. */

import type { Random } from '../../helpers/random.js';
import { type Outer, vxlan } from '../../overlay/helpers/vxlan.js';
import { checksum, join } from '../../packet/helpers/frame.js';
import { ETHERNET, mutated, sendable, set16 } from './mutate.js';

/** The known facts of the receiving node. */
export interface Target {
  readonly family: 4 | 6;
  readonly mtu: number;
  /** Valid headers of a known node. */
  readonly outer: Outer;
  /** VTEPs: of known nodes, of unknown ones, of the node itself. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly vnis: readonly number[];
  /** Inner frames. */
  readonly inside: readonly Uint8Array[];
}

/** One packet. */
export function packetFor(target: Target, random: Random): Uint8Array {
  if (random.chance(5)) return sendable(noise(target, random), target.mtu);
  const inside = random.pick(target.inside);
  const inner = random.chance(50) ? inside : mutated(inside, random, 1 + random.below(3));
  const packet = vxlan({ ...target.outer, ...outerFor(target, random) }, inner);
  if (random.chance(75)) return sendable(packet, target.mtu);
  const outerToo = mutated(packet, random, 1 + random.below(3));
  if (random.chance(40)) repairOuter(outerToo, target.family);
  return sendable(outerToo, target.mtu);
}

/** Changes of the outer headers: mostly none, so that the inner frame matters. */
function outerFor(target: Target, random: Random): Partial<Outer> {
  const seldom = <T>(percent: number, make: () => T): T | undefined =>
    random.chance(percent) ? make() : undefined;
  const change = {
    from: seldom(25, () => random.pick(target.sources)),
    to: seldom(4, () => random.pick(target.destinations)),
    vni: seldom(15, () => random.pick([...target.vnis, random.below(1 << 24)])),
    tos: seldom(15, () => random.below(256)),
    ttl: seldom(5, () => random.below(256)),
    id: seldom(10, () => random.below(65_536)),
    fragment: seldom(5, () => random.pick([0, 0x2000, 0x2001, 1, 8, 0x4001])),
    port: seldom(4, () => random.pick([4790, 8472, 0])),
    ipLength: seldom(6, () => random.below(61) - 30),
    udpLength: seldom(6, () => random.below(61) - 30),
    flags: seldom(8, () => random.below(256)),
    checksum: seldom(20, () => random.pick(['right', 'wrong', 0xffff] as const)),
    ipChecksum: seldom(4, () => random.below(65_536)),
    toMac: seldom(6, () =>
      random.pick(['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '0a:58:00:00:00:99']),
    ),
  };
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

/** Correct lengths and IP header checksum, so that the defect is deeper inside. */
function repairOuter(packet: Uint8Array, family: 4 | 6): void {
  if (family === 6) {
    if (packet.length < ETHERNET + 48) return;
    set16(packet, ETHERNET + 4, packet.length - ETHERNET - 40);
    set16(packet, ETHERNET + 44, packet.length - ETHERNET - 40);
    return;
  }
  const header = ((packet[ETHERNET] ?? 0) & 15) * 4;
  if (header < 20 || packet.length < ETHERNET + header + 8) return;
  set16(packet, ETHERNET + 2, packet.length - ETHERNET);
  set16(packet, ETHERNET + header + 4, packet.length - ETHERNET - header);
  set16(packet, ETHERNET + 10, 0);
  set16(packet, ETHERNET + 10, checksum(packet.subarray(ETHERNET, ETHERNET + header)));
}

/** Random bytes, sometimes behind a valid beginning that makes a receiver parse them. */
function noise(target: Target, random: Random): Uint8Array {
  const head = vxlan(target.outer, new Uint8Array(0));
  const kept = random.pick([0, 6, 12, 14, 15, 24, 34, 42, head.length]);
  return join(head.subarray(0, kept), random.bytes(ETHERNET + random.below(400)));
}

/** Each packet behind its length, as the sender program expects. */
export function recorded(frames: readonly Uint8Array[]): Uint8Array {
  const total = frames.reduce((sum, frame) => sum + 2 + frame.length, 0);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const frame of frames) {
    view.setUint16(at, frame.length, true);
    bytes.set(frame, at + 2);
    at += 2 + frame.length;
  }
  return bytes;
}
