/** iperf3: bulk TCP, and UDP at the maximum rate. */
import { readFileSync } from 'node:fs';
import { DpctlError } from '../../../loader/errors.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { ask, type Pair, serve, withCpu } from '../subjects/pair.js';
import type { Namespace, Sandbox } from '../subjects/sandbox.js';
import type { Effort, Readings } from './measure.js';

const PORT = 5201;
/**
 * Congestion control of all subjects. The default of the kernel may be bbr, whose pacing depends on its
 * estimate of the link; cubic is not limited on a path without loss.
 */
export const CONGESTION = 'cubic';
/** iperf3 accepts only whole seconds. */
const secondsOf = ({ seconds }: Effort): string => String(Math.max(1, Math.round(seconds)));

/** Parameters of a TCP transfer. */
export interface Bulk {
  readonly family: 4 | 6;
  readonly streams: number;
  /** true: the server sends. */
  readonly reverse?: boolean;
  /** Bytes per write(2) of the sender; 128 KiB by default, as in iperf3. */
  readonly write?: number;
}

/** Result of a TCP transfer. */
export interface BulkReading {
  /** Received gigabits per second. */
  readonly rate: number;
  /** CPU seconds per gigabyte. */
  readonly cpu: number;
  /** Number of retransmitted segments. */
  readonly retransmits: number;
}

/** Result of a UDP stream. */
export interface PacketReading {
  /**
   * Packets per second that reached the receiving socket, including those dropped because its buffer was
   * full. This measures the path, not how often the receiver is scheduled.
   */
  readonly carried: number;
  /** Packets per second that the receiver read. */
  readonly rate: number;
  /** Share of the sent packets that the receiver did not read, 0 to 1. */
  readonly loss: number;
  /** CPU seconds per million carried packets. */
  readonly cpu: number;
}

/** Start the iperf3 server. */
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

/** Run a TCP transfer. */
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

/** Send UDP at the maximum rate. @param size of the payload, in bytes */
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

/** Number of datagrams that sockets of a namespace have received, including drops of full buffers. */
function udpReceived({ fd }: Namespace): number {
  const text = inNetns(fd, () => readFileSync('/proc/thread-self/net/snmp', 'utf8'));
  const [names = [], values = []] = [...text.matchAll(/^Udp: (.*)$/gm)].map(([, line = '']) =>
    line.split(' '),
  );
  const of = (name: string): number => Number(values[names.indexOf(name)]);
  return of('InDatagrams') + of('RcvbufErrors');
}

/** Name the readings of a transfer after the measure: `ID-rate`, `ID-cpu`, `ID-loss`. */
export function readingsOf(id: string, reading: BulkReading | PacketReading): Readings {
  return Object.fromEntries(Object.entries(reading).map(([key, value]) => [`${id}-${key}`, value]));
}
