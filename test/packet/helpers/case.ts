/**
 * One frame in; verdict, bytes and every counter out. Everything that a case does not mention must be zero.
 */
import { mapGet, mapKeys } from '../../../loader/map/entry.js';
import {
  type EndpointStats,
  MAPS,
  nameOfReason,
  type ReasonName,
} from '../../../src/contract/generated.js';
import { macText } from './frame.js';
import { idOf, NETWORKS, PORT_NAMES, type PortName } from './ports.js';
import { mapOf, resetWorld, run, sentFrames, type World } from './world.js';

/** TC_ACT_SHOT and TC_ACT_REDIRECT (linux/pkt_cls.h). */
const VERDICT: Readonly<Record<number, Outcome['verdict']>> = { 2: 'drop', 7: 'redirect' };

/** All effects of a frame. */
export interface Outcome {
  readonly verdict: 'drop' | 'redirect' | `retval ${number}`;
  readonly frame: Uint8Array;
  /** Packets counted by each reason. */
  readonly reasons: Partial<Record<ReasonName, number>>;
  /** Ports that received the frame, in the order of PORTS. */
  readonly to: readonly PortName[];
  /** Of those, the ports that received a clone while the program ran. */
  readonly clones: readonly PortName[];
  /** Ports to which the delivery failed. */
  readonly missed: readonly PortName[];
  readonly flooded: boolean;
  readonly suppressed: boolean;
  /** Learned MACs and their ports. */
  readonly learned: Readonly<Record<string, PortName>>;
}

/** A case. */
export interface Case {
  readonly name: string;
  /** Differences from a fresh world. */
  readonly setup?: (world: World) => void;
  /** Frames that were sent before, each from a port. */
  readonly before?: readonly (readonly [PortName, Uint8Array])[];
  readonly from?: PortName | 'bare';
  /** The mark of the incoming frame. */
  readonly mark?: number;
  readonly frame: Uint8Array;
  readonly expect: Partial<Omit<Outcome, 'clones'>> & Pick<Outcome, 'verdict'>;
}

interface Snapshot {
  readonly reasons: ReadonlyMap<string, number>;
  readonly reasonBytes: ReadonlyMap<string, number>;
  readonly stats: ReadonlyMap<PortName, EndpointStats>;
  readonly sent: Readonly<Record<string, number>>;
}

/** The sum over CPUs of a per-CPU value's 64-bit field. */
function sum(bytes: Uint8Array, stride: number, offset: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let total = 0n;
  for (let at = offset; at < bytes.byteLength; at += stride) total += view.getBigUint64(at, true);
  return total;
}

/** A table's value for an index, summed over the CPUs. */
function read<T extends object>(
  world: World,
  table: 'reason' | 'epstat',
  index: number,
  names: readonly (keyof T)[],
): T {
  const map = mapOf(world, table);
  const bytes = mapGet(map, MAPS[table].key.encode(index)) ?? new Uint8Array(map.bufferSize);
  const entries = names.map((name, at) => [name, sum(bytes, map.valueSize, 8 * at)]);
  return Object.fromEntries(entries) as T;
}

const STATS = [
  'txPackets',
  'txBytes',
  'rxPackets',
  'rxBytes',
  'txDropped',
  'txFlooded',
  'suppressed',
  'rxDropped',
] as const satisfies readonly (keyof EndpointStats)[];

/** A port's counters. */
export function statsOf(world: World, name: PortName): EndpointStats {
  return read<EndpointStats>(world, 'epstat', idOf(name), STATS);
}

/** Packets of every reason that was counted. */
export function reasonsOf(world: World): Map<string, number> {
  const found = new Map<string, number>();
  for (let index = 0; index < MAPS.reason.maxEntries; index++) {
    const { packets } = read<{ packets: bigint }>(world, 'reason', index, ['packets']);
    if (packets > 0n) found.set(nameOfReason(index), Number(packets));
  }
  return found;
}

/** Bytes of every reason. */
function reasonBytesOf(world: World): Map<string, number> {
  const found = new Map<string, number>();
  for (let index = 0; index < MAPS.reason.maxEntries; index++) {
    const { bytes } = read<{ packets: bigint; bytes: bigint }>(world, 'reason', index, [
      'packets',
      'bytes',
    ]);
    found.set(nameOfReason(index), Number(bytes));
  }
  return found;
}

/** The number of MACs counted as learned at a port. */
export function learnedCount(world: World, name: PortName): number {
  const bytes = mapGet(mapOf(world, 'learned'), MAPS.learned.key.encode(idOf(name)));
  return bytes ? MAPS.learned.value.decode(new DataView(bytes.buffer)).count : 0;
}

/** Learned MACs with their ports, and the VNI unless it is the first network's. */
export function learnedMacs(world: World): Record<string, PortName> {
  const map = mapOf(world, 'fdb');
  const found: Record<string, PortName> = {};
  for (const key of mapKeys(map)) {
    const bytes = mapGet(map, key);
    if (bytes === undefined) continue;
    const entry = MAPS.fdb.value.decode(new DataView(bytes.buffer));
    const { vni, mac } = MAPS.fdb.key.decode(new DataView(key.buffer));
    const address = vni === NETWORKS[1].vni ? macText(mac) : `${macText(mac)} ${vni}`;
    const port = PORT_NAMES.find((name) => idOf(name) === entry.endpoint);
    if (entry.flags === 0 && port !== undefined) found[address] = port;
  }
  return found;
}

function snapshot(world: World): Snapshot {
  return {
    reasons: reasonsOf(world),
    reasonBytes: reasonBytesOf(world),
    stats: new Map(PORT_NAMES.map((name) => [name, statsOf(world, name)])),
    sent: sentFrames(world),
  };
}

function checkedStats(before: Snapshot, after: Snapshot, name: PortName) {
  const [old, now] = [before.stats.get(name), after.stats.get(name)];
  const of = (field: keyof EndpointStats) => Number((now?.[field] ?? 0n) - (old?.[field] ?? 0n));
  return Object.fromEntries(STATS.map((field) => [field, of(field)])) as Record<
    (typeof STATS)[number],
    number
  >;
}

/** A reason counts the bytes of the frames that it counts; reasons about events count none. */
function checkReasonBytes(world: World, before: Snapshot, after: Snapshot, length: number): void {
  for (let index = 0; index < MAPS.reason.maxEntries; index++) {
    const name = nameOfReason(index);
    const packets = (after.reasons.get(name) ?? 0) - (before.reasons.get(name) ?? 0);
    if (packets === 0) continue;
    const { bytes } = read<{ packets: bigint; bytes: bigint }>(world, 'reason', index, [
      'packets',
      'bytes',
    ]);
    const earlier = before.reasonBytes.get(name) ?? 0;
    if (Number(bytes) - earlier !== packets * length) {
      throw new Error(`${name} counts ${bytes} bytes of ${packets} frames of ${length}`);
    }
  }
}

/**
 * Run a case in a world that is reset first.
 * @returns the effects, after checking rules that hold for every frame
 * @throws Error if two counters contradict each other
 */
export function outcomeOf(world: World, it: Case): Outcome {
  resetWorld(world);
  it.setup?.(world);
  for (const [from, frame] of it.before ?? []) run(world, from, frame);
  const before = snapshot(world);
  const from = it.from ?? 'a';
  const result = run(world, from, it.frame, { mark: it.mark });
  const after = snapshot(world);

  const length = it.frame.length;
  const verdict = VERDICT[result.retval] ?? (`retval ${result.retval}` as const);
  checkReasonBytes(world, before, after, length);
  const reasons: Partial<Record<string, number>> = {};
  for (const [name, packets] of after.reasons) {
    const more = packets - (before.reasons.get(name) ?? 0);
    if (more > 0) reasons[name] = more;
  }
  const deltas = new Map(PORT_NAMES.map((name) => [name, checkedStats(before, after, name)]));
  const to = PORT_NAMES.filter((name) => (deltas.get(name)?.rxPackets ?? 0) > 0);
  const missed = PORT_NAMES.filter((name) => (deltas.get(name)?.rxDropped ?? 0) > 0);
  const clones = PORT_NAMES.filter((name) => (after.sent[name] ?? 0) > (before.sent[name] ?? 0));

  for (const [name, delta] of deltas) {
    const own = name === from;
    const expected = {
      txPackets: own ? 1 : 0,
      txBytes: own ? length : 0,
      rxPackets: to.includes(name) ? 1 : 0,
      // An answer may have another length than the request.
      rxBytes: !to.includes(name) ? 0 : own ? result.data.length : length,
      txDropped: own && verdict === 'drop' ? 1 : 0,
      txFlooded: own ? delta.txFlooded : 0,
      suppressed: own ? delta.suppressed : 0,
      rxDropped: missed.includes(name) ? 1 : 0,
    };
    if (JSON.stringify(delta) !== JSON.stringify(expected)) {
      throw new Error(`${name} counts ${JSON.stringify(delta)}, not ${JSON.stringify(expected)}`);
    }
  }
  const last = verdict === 'redirect' ? 1 : 0;
  if (to.length !== clones.length + last || !clones.every((name) => to.includes(name))) {
    throw new Error(`${to.join()} were counted, ${clones.join() || 'none'} got clones`);
  }
  const macs = learnedMacs(world);
  for (const name of PORT_NAMES) {
    const there = Object.values(macs).filter((port) => port === name).length;
    const counted = learnedCount(world, name);
    if (there !== counted) throw new Error(`${name} has ${there} learned MACs, ${counted} counted`);
  }
  const own = from === 'bare' ? undefined : deltas.get(from);
  return {
    verdict,
    frame: result.data,
    reasons,
    to,
    clones,
    missed,
    flooded: (own?.txFlooded ?? 0) > 0,
    suppressed: (own?.suppressed ?? 0) > 0,
    learned: macs,
  };
}

/** The complete expected result of a case. */
export function expected(it: Case): Omit<Outcome, 'clones'> {
  return {
    frame: it.frame,
    reasons: {},
    to: [],
    missed: [],
    flooded: false,
    suppressed: false,
    learned: {},
    ...it.expect,
  };
}
