/** iperf3: bulk TCP, and UDP as fast as it goes. */
import { readFileSync } from 'node:fs';
import { DpctlError } from '../../../loader/errors.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { ask, type Pair, serve, withCpu } from '../subjects/pair.js';
import type { Namespace, Sandbox } from '../subjects/sandbox.js';
import type { Effort, Readings } from './measure.js';

const PORT = 5201;
/**
 * The kernel's default may be bbr, which paces by what it thinks the link is; every subject gets the
 * same, and one that a loss-free path does not hold back.
 */
export const CONGESTION = 'cubic';
/** iperf3 only takes whole seconds. */
const secondsOf = ({ seconds }: Effort): string => String(Math.max(1, Math.round(seconds)));

/** A stream. */
export interface Bulk {
  readonly family: 4 | 6;
  readonly streams: number;
  /** The other end sends. */
  readonly reverse?: boolean;
  /** Bytes that the sender hands to the kernel at a time; iperf3's own 128 KiB if not set. */
  readonly write?: number;
}

/** Numbers of a TCP transfer. */
export interface BulkReading {
  /** Gigabits a second that arrived. */
  readonly rate: number;
  /** Seconds of CPU for each gigabyte. */
  readonly cpu: number;
  /** Segments sent again. */
  readonly retransmits: number;
}

/** Numbers of a stream of UDP. */
export interface PacketReading {
  /**
   * Packets a second that were carried to the receiving socket, those for which it had no room
   * included: what lies between is measured, not how often the receiver gets a CPU.
   */
  readonly carried: number;
  /** Packets a second that the receiver read. */
  readonly rate: number;
  /** Share of those sent that it did not. */
  readonly loss: number;
  /** Seconds of CPU for each million that were carried. */
  readonly cpu: number;
}

/** Have iperf3 wait in the end that answers. */
export async function serveIperf(sandbox: Sandbox, pair: Pair): Promise<void> {
  await serve(sandbox, pair, ['iperf3', '-s', '-p', String(PORT)], 'tcp', PORT);
}

interface Sum {
  readonly seconds: number;
  readonly bytes: number;
  readonly bits_per_second: number;
  readonly packets?: number;
  readonly lost_packets?: number;
  readonly retransmits?: number;
}

interface Report {
  readonly error?: string;
  readonly end?: { readonly sum?: Sum; readonly sum_sent?: Sum; readonly sum_received?: Sum };
}

async function iperf(pair: Pair, family: 4 | 6, args: readonly string[]) {
  const host = family === 4 ? pair.server.ip4 : pair.server.ip6;
  const argv = ['iperf3', '-J', `-${family}`, '-c', host, '-p', String(PORT), ...args];
  const { value, cpu } = await withCpu(() => ask(pair, argv));
  const report = JSON.parse(value) as Report;
  if (report.end === undefined || report.error !== undefined) {
    throw new DpctlError('BENCH_TOOL', `iperf3: ${report.error ?? 'no result'}`);
  }
  return { ...report.end, cpu };
}

/** Send TCP for a while. */
export async function bulk(pair: Pair, effort: Effort, what: Bulk): Promise<BulkReading> {
  const { family, streams, reverse, write } = what;
  const { sum_received, sum_sent, cpu } = await iperf(pair, family, [
    ...['-t', secondsOf(effort), '-P', String(streams), '-C', CONGESTION],
    ...(write === undefined ? [] : ['-l', String(write)]),
    ...(reverse ? ['-R'] : []),
  ]);
  const bytes = sum_received?.bytes ?? 0;
  return {
    rate: (sum_received?.bits_per_second ?? 0) / 1e9,
    cpu: cpu / (bytes / 1e9),
    retransmits: sum_sent?.retransmits ?? 0,
  };
}

/** Send UDP as fast as the sender can. @param size bytes of payload */
export async function packets(pair: Pair, effort: Effort, size: number): Promise<PacketReading> {
  const before = udpReceived(pair.server.space);
  const { sum, cpu } = await iperf(pair, 4, [
    ...['-u', '-b', '0', '-l', String(size), '-t', secondsOf(effort)],
  ]);
  const carried = udpReceived(pair.server.space) - before;
  const { seconds = Number.NaN, packets: sent = 0, lost_packets: lost = 0 } = sum ?? {};
  return {
    carried: carried / seconds,
    rate: (sent - lost) / seconds,
    loss: lost / sent,
    cpu: cpu / (carried / 1e6),
  };
}

/** Datagrams that came to sockets of a namespace so far, read or dropped for want of room. */
function udpReceived({ fd }: Namespace): number {
  const text = inNetns(fd, () => readFileSync('/proc/thread-self/net/snmp', 'utf8'));
  const [names = [], values = []] = [...text.matchAll(/^Udp: (.*)$/gm)].map(([, line = '']) =>
    line.split(' '),
  );
  const of = (name: string): number => Number(values[names.indexOf(name)]);
  return of('InDatagrams') + of('RcvbufErrors');
}

/** Readings of a transfer under the figures of a measure: `ID-rate`, `ID-cpu`, `ID-loss`. */
export function readingsOf(id: string, reading: BulkReading | PacketReading): Readings {
  return Object.fromEntries(Object.entries(reading).map(([key, value]) => [`${id}-${key}`, value]));
}
