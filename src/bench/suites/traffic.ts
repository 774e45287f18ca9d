/** Traffic measures between the two ends of a pair. */

import { DpctlError } from '../../../loader/errors.js';
import type { FigureSpec } from '../../api/bench.js';
import { hintText } from '../../model/hint.js';
import { connectRate, serveConnect } from '../measure/connect.js';
import { type Bulk, bulk, packets, readingsOf, serveIperf } from '../measure/iperf.js';
import type { Effort, Measure, Readings } from '../measure/measure.js';
import { compileNative } from '../measure/native.js';
import { isInstalled } from '../measure/process.js';
import {
  type Cpus,
  pingPong,
  pingPongId,
  serveSockperf,
  type Transport,
} from '../measure/sockperf.js';
import type { Pair } from '../subjects/pair.js';
import type { Sandbox } from '../subjects/sandbox.js';
import type { SuiteContext } from './suite.js';

/** Subjects of a traffic measure, and which of them to compare. */
export interface Field {
  readonly pairs: readonly Pair[];
  readonly ratios: Measure['pairs'];
}

function measureOf(
  field: Field,
  measure: Pick<Measure, 'title' | 'figures' | 'seconds'>,
  sample: (pair: Pair) => Promise<Readings>,
): Measure {
  return {
    ...measure,
    subjects: field.pairs.map((pair) => ({ name: pair.name, sample: () => sample(pair) })),
    pairs: field.ratios,
  };
}

/** Measure of bulk TCP. @param id prefix of the figure ids: `tcp4-1` */
export function bulkMeasure(id: string, field: Field, effort: Effort, what: Bulk): Measure {
  const { family, streams, reverse = false } = what;
  const count = streams === 1 ? 'one stream' : `${streams} streams`;
  const title = `TCP, IPv${family}, ${count}${reverse ? ', backwards' : ''}`;
  const figures: readonly FigureSpec[] = [
    { id: `${id}-rate`, title, unit: 'Gb/s', better: 'higher' },
    { id: `${id}-cpu`, title: `CPU of ${title}`, unit: 's/GB', better: 'lower' },
  ];
  return measureOf(field, { title, figures, seconds: 1.4 }, async (pair) =>
    readingsOf(id, await bulk(pair, effort, what)),
  );
}

/** Measure of UDP at the maximum rate. @param size of the payload, in bytes */
export function packetMeasure(id: string, field: Field, effort: Effort, size: number): Measure {
  const title = `UDP, ${size} B`;
  const figures: readonly FigureSpec[] = [
    { id: `${id}-carried`, title: `${title}, carried`, unit: 'packets/s', better: 'higher' },
    { id: `${id}-rate`, title: `${title}, read`, unit: 'packets/s', better: 'higher' },
    { id: `${id}-loss`, title: `${title}, not read`, unit: '', better: 'lower' },
    { id: `${id}-cpu`, title: `CPU of ${title}`, unit: 's/million', better: 'lower' },
  ];
  return measureOf(field, { title, figures, seconds: 1.4 }, async (pair) =>
    readingsOf(id, await packets(pair, effort, size)),
  );
}

/** Measure of round-trip times. */
export function pingPongMeasure(
  field: Field,
  effort: Effort,
  transport: Transport,
  cpus: Cpus = 'two',
): Measure {
  const title = `${transport.toUpperCase()} ping-pong${cpus === 'one' ? ' on one CPU' : ''}`;
  const id = pingPongId(transport, cpus);
  const us = { unit: 'us', better: 'lower' } as const;
  const figures: readonly FigureSpec[] = [
    { id: `${id}-p50`, title: `${title}, median`, ...us },
    { id: `${id}-p99`, title: `${title}, 99th percentile`, ...us },
  ];
  return measureOf(field, { title, figures, seconds: 1.7 }, (pair) =>
    pingPong(pair, effort, transport, cpus),
  );
}

/** Measure of TCP connections. @param program path of the compiled native/connect.c */
export function connectMeasure(field: Field, effort: Effort, program: string): Measure {
  const title = 'TCP connections';
  const figures: readonly FigureSpec[] = [
    { id: 'connect', title: 'TCP connections opened', unit: '1/s', better: 'higher' },
    { id: 'connect-cpu', title: 'CPU of TCP connections', unit: 's/million', better: 'lower' },
  ];
  return measureOf(field, { title, figures, seconds: effort.seconds + 0.1 }, (pair) =>
    connectRate(pair, effort, program),
  );
}

/** Installed tools, whose servers run in each pair. */
export interface Tools {
  readonly iperf: boolean;
  readonly sockperf: boolean;
  /** Path of the compiled native/connect.c. */
  readonly connect: string | undefined;
}

/** Find the installed tools, and report the missing ones. */
export async function findTools(sandbox: Sandbox, skip: SuiteContext['skip']): Promise<Tools> {
  const found = async (name: string, what: string): Promise<boolean> => {
    if (await isInstalled(name)) return true;
    skip({ what, why: `${name} is not installed`, hint: `apt-get install ${name}` });
    return false;
  };
  const compiled = async (): Promise<string | undefined> => {
    try {
      return await compileNative(sandbox, 'connect');
    } catch (error) {
      if (!(error instanceof DpctlError) || error.code !== 'BENCH_NEEDS') throw error;
      skip({ what: 'TCP connections', why: error.message, hint: hintText(error.hint) });
      return undefined;
    }
  };
  return {
    iperf: await found('iperf3', 'bulk TCP and packet rates'),
    sockperf: await found('sockperf', 'round trips'),
    connect: await compiled(),
  };
}

/** Start the servers of all installed tools in a pair. */
export async function serveAll(
  sandbox: Sandbox,
  pair: Pair,
  { iperf, sockperf, connect }: Tools,
): Promise<void> {
  if (iperf) await serveIperf(sandbox, pair);
  if (sockperf)
    for (const transport of ['udp', 'tcp'] as const) await serveSockperf(sandbox, pair, transport);
  if (connect !== undefined) await serveConnect(sandbox, pair, connect);
}
