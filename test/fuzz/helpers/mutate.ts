/** Mutations that make a valid frame invalid in some places, at any layer. */

import type { Random } from '../../helpers/random.js';
import { join, TYPE } from '../../packet/helpers/frame.js';
import { tag } from './corpus.js';

/** Bytes of an Ethernet header. */
export const ETHERNET = 14;
/** The kernel itself loses a frame that ends right after its tag. */
const TAGGED_LEAST = 20;
/** The parsed part of a frame: nothing behind it is read. */
const HEADERS = 180;

/** Numbers at which code that counts bytes tends to fail. */
const EDGES = [0, 1, 4, 7, 8, 13, 14, 19, 20, 21, 27, 28, 39, 40, 41, 48, 255, 256, 0xfff8, 0xffff];
const PROTOCOLS = [0, 1, 6, 17, 43, 44, 50, 51, 58, 59, 60, 132, 255];
const TYPES = [0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8, 0x88b5, 0, 38, 0x8847];

export const get16 = (bytes: Uint8Array, at: number) =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Write 16 bits if they fit. */
export function set16(bytes: Uint8Array, at: number, value: number): void {
  if (at + 2 > bytes.length) return;
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** A length that is nearly right, or far off. */
export function wrongLength(random: Random, right: number): number {
  return random.chance(60) ? right + random.below(41) - 20 : random.pick(EDGES);
}

type Mutation = (frame: Uint8Array, random: Random, at: number) => Uint8Array;

/** Each takes a frame that begins at `at`, and may change it in place. */
const MUTATIONS: readonly Mutation[] = [
  function anyByte(frame, random, at) {
    const last = Math.min(frame.length - at, HEADERS);
    frame[at + random.below(last)] = random.below(256);
    return frame;
  },
  function anyBit(frame, random, at) {
    const place = at + random.below(Math.min(frame.length - at, HEADERS));
    frame[place] = (frame[place] ?? 0) ^ (1 << random.below(8));
    return frame;
  },
  function cut(frame, random, at) {
    return frame.slice(0, Math.max(ETHERNET, at + random.below(frame.length - at)));
  },
  function cutInHeaders(frame, random, at) {
    return frame.slice(0, Math.max(ETHERNET, Math.min(frame.length, at + random.below(100))));
  },
  function pad(frame, random) {
    return join(frame, random.bytes(random.below(40)));
  },
  function type(frame, random, at) {
    set16(frame, at + 12, random.pick(TYPES));
    return frame;
  },
  function inVlan(frame, random, at) {
    return join(frame.subarray(0, at), tag(frame.subarray(at), random.pick([0, 5, 4095])));
  },
  function macs(frame, random, at) {
    const place = at + random.pick([0, 6]);
    if (place + 6 > frame.length) return frame;
    frame.set(
      random.pick([[1, 0, 0x5e, 0, 0, 1], [0, 0, 0, 0, 0, 0], [...random.bytes(6)]]),
      place,
    );
    return frame;
  },
  function ip(frame, random, at) {
    return get16(frame, at + 12) === TYPE.ip6
      ? ip6(frame, random, at + ETHERNET)
      : ip4(frame, random, at + ETHERNET);
  },
  function transport(frame, random, at) {
    const six = get16(frame, at + 12) === TYPE.ip6;
    const place = at + ETHERNET + (six ? 40 : 20);
    set16(frame, place + random.pick([0, 2, 4, 6, 12]), wrongLength(random, frame.length - place));
    return frame;
  },
];

function ip4(frame: Uint8Array, random: Random, at: number): Uint8Array {
  switch (random.below(6)) {
    case 0:
      set16(frame, at + 2, wrongLength(random, frame.length - at));
      return frame;
    case 1:
      if (at < frame.length) frame[at] = random.pick([0x45, 0x44, 0x46, 0x4f, 0x40, 0x55, 0x65]);
      return frame;
    case 2:
      set16(frame, at + 6, random.pick([0x2000, 0x2001, 1, 0x1fff, 0x4000, 0x8000, 0x3fff]));
      return frame;
    case 3:
      if (at + 9 < frame.length) frame[at + 9] = random.pick(PROTOCOLS);
      return frame;
    case 4: {
      const words = 1 + random.below(10);
      const options = new Uint8Array(words * 4).fill(1);
      if (at + 20 > frame.length) return frame;
      frame[at] = 0x45 + words;
      set16(frame, at + 2, get16(frame, at + 2) + words * 4);
      return join(frame.subarray(0, at + 20), options, frame.subarray(at + 20));
    }
    default:
      set16(frame, at + random.pick([12, 14]), random.below(65_536));
      return frame;
  }
}

function ip6(frame: Uint8Array, random: Random, at: number): Uint8Array {
  switch (random.below(4)) {
    case 0:
      set16(frame, at + 4, wrongLength(random, frame.length - at - 40));
      return frame;
    case 1:
      if (at + 6 < frame.length) frame[at + 6] = random.pick(PROTOCOLS);
      return frame;
    case 2: {
      if (at + 40 > frame.length) return frame;
      const kind = random.pick([0, 43, 44, 51, 60]);
      const length = random.chance(80) ? 0 : random.below(4);
      const header = [frame[at + 6] ?? 0, length, 0, random.pick([0, 1, 8]), 0, 0, 0, 0];
      frame[at + 6] = kind;
      set16(frame, at + 4, get16(frame, at + 4) + header.length);
      return join(frame.subarray(0, at + 40), header, frame.subarray(at + 40));
    }
    default:
      if (at < frame.length) frame[at] = random.pick([0x60, 0x40, 0x6f, 0x00]);
      return frame;
  }
}

/** A copy of the frame that begins at `at`, after some mutations. */
export function mutated(frame: Uint8Array, random: Random, count: number, at = 0): Uint8Array {
  let changed = Uint8Array.from(frame);
  for (let i = 0; i < count && changed.length > at + ETHERNET; i++) {
    changed = random.pick(MUTATIONS)(changed, random, at) as typeof changed;
  }
  return changed;
}

/** Whether a device with this MTU can send the frame, and a TC program sees it. */
export function sendable(frame: Uint8Array, mtu: number): Uint8Array {
  const isTag = [TYPE.vlan, TYPE.qinq].includes(get16(frame, 12) as 0x8100);
  const least = isTag ? TAGGED_LEAST : ETHERNET;
  if (frame.length < least) return join(frame, new Uint8Array(least - frame.length));
  return frame.subarray(0, mtu + ETHERNET);
}
