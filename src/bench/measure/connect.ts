/** Sequential TCP connections, with native/connect.c: neither iperf3 nor sockperf measures them. */

import { ask, type Pair, serve, withCpu } from '../subjects/pair.js';
import type { Sandbox } from '../subjects/sandbox.js';
import type { Effort, Readings } from './measure.js';

const PORT = 5401;

/** Start the server in the other end. @param program path of the compiled program */
export async function serveConnect(sandbox: Sandbox, pair: Pair, program: string): Promise<void> {
  await serve(sandbox, pair, [program, 'serve', String(PORT)], 'tcp', PORT);
}

/** Measure how many connections per second are opened and closed. */
export async function connectRate(
  pair: Pair,
  { seconds }: Effort,
  program: string,
): Promise<Readings> {
  const argv = [program, pair.server.ip4, String(PORT), String(Math.round(seconds * 1000))];
  const { value, cpu } = await withCpu(() => ask(pair, argv));
  const { connections, ns } = JSON.parse(value) as { connections: number; ns: number };
  return { connect: connections / (ns / 1e9), 'connect-cpu': cpu / (connections / 1e6) };
}
