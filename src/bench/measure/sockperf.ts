/** sockperf: round-trip times of small messages. */
import { DpctlError } from '../../../loader/errors.js';
import { ask, type Pair, serve } from '../subjects/pair.js';
import type { Sandbox } from '../subjects/sandbox.js';
import type { Effort, Readings } from './measure.js';
import { CLIENT_CPU, SERVER_CPU } from './process.js';

const PORT = { udp: 11_111, tcp: 11_112 } as const;
export type Transport = keyof typeof PORT;
/** Size of a message, in bytes: a small request. */
const MESSAGE = 64;

function flags(transport: Transport): string[] {
  return ['-p', String(PORT[transport]), ...(transport === 'tcp' ? ['--tcp'] : [])];
}

/** Start the sockperf server. */
export async function serveSockperf(
  sandbox: Sandbox,
  pair: Pair,
  transport: Transport,
): Promise<void> {
  const argv = ['sockperf', 'sr', '-i', pair.server.ip4, ...flags(transport)];
  await serve(sandbox, pair, argv, transport, PORT[transport]);
}

/**
 * CPUs of client and server. `two`: each CPU is idle while the other works, so the wake-ups dominate the
 * round-trip time. `one`: both share a CPU, which is never idle, as on a busy machine.
 */
export type Cpus = 'two' | 'one';

/** Prefix of the figure ids. */
export function pingPongId(transport: Transport, cpus: Cpus): string {
  return `${transport}-pp${cpus === 'one' ? '-one-cpu' : ''}`;
}

/** Measure round-trip times, in microseconds: the median and the 99th percentile. */
export async function pingPong(
  pair: Pair,
  { seconds }: Effort,
  transport: Transport,
  cpus: Cpus = 'two',
): Promise<Readings> {
  const argv = [
    ...['sockperf', 'pp', '-i', pair.server.ip4, ...flags(transport)],
    ...['-m', String(MESSAGE), '-t', String(Math.max(1, Math.round(seconds))), '--full-rtt'],
  ];
  const said = await ask(pair, argv, cpus === 'one' ? SERVER_CPU : CLIENT_CPU);
  const percentile = (share: string): number => {
    const found = new RegExp(`percentile ${share}0* =\\s+([0-9.]+)`).exec(said)?.[1];
    if (found === undefined) throw new DpctlError('BENCH_TOOL', `sockperf: ${said.trim()}`);
    return Number(found);
  };
  const id = pingPongId(transport, cpus);
  return {
    [`${id}-p50`]: percentile('50.0'),
    [`${id}-p99`]: percentile('99.0'),
  };
}
