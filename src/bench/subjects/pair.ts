/** Two ends with something between them: what traffic is sent through. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DpctlError } from '../../../loader/errors.js';
import { cpuTime } from '../measure/machine.js';
import { CLIENT_CPU, type Running, run, SERVER_CPU, start } from '../measure/process.js';
import type { Namespace, Sandbox } from './sandbox.js';

/** One side. */
export interface End {
  readonly space: Namespace;
  readonly ip4: string;
  readonly ip6: string;
}

/** The two sides of a subject. */
export interface Pair {
  readonly name: string;
  /** Who asks, connects and by default sends. */
  readonly client: End;
  readonly server: End;
}

/** The interface in both ends. */
export const DEVICE = 'eth0';

/** What traffic costs the whole machine. */
export interface Cost<T> {
  readonly value: T;
  /** Seconds of CPU, of all processes and interrupts. */
  readonly cpu: number;
}

/** Run something and see what CPU time the machine spends meanwhile. */
export async function withCpu<T>(work: () => Promise<T>): Promise<Cost<T>> {
  const before = cpuTime();
  const value = await work();
  return { value, cpu: cpuTime().busy - before.busy };
}

/** Run a program in the end that asks, on its CPU or another. @returns what it printed */
export function ask({ client }: Pair, argv: readonly string[], cpu = CLIENT_CPU): Promise<string> {
  return run(argv, { space: client.space, cpu, timeout: 30_000 });
}

const LISTEN_MS = 3000;

/**
 * Start a program in the end that answers, on its CPU, and wait until it listens. It ends with the
 * sandbox.
 * @param protocol tables of /proc/net in which its port is looked for
 */
export async function serve(
  sandbox: Sandbox,
  { server }: Pair,
  argv: readonly string[],
  protocol: 'tcp' | 'udp',
  port: number,
): Promise<Running> {
  const running = await start(argv, { space: server.space, cpu: SERVER_CPU, timeout: 0 });
  sandbox.defer(() => {
    running.kill();
  });
  const deadline = performance.now() + LISTEN_MS;
  while (!listens(running.pid, protocol, port)) {
    if (performance.now() > deadline || !existsSync(`/proc/${running.pid}`)) {
      running.kill();
      const { stdout, stderr } = await running.ended();
      throw new DpctlError('BENCH_TOOL', `${argv.join(' ')}: ${(stderr || stdout).trim()}`);
    }
    await sleep(5);
  }
  return running;
}

/** Whether a port is bound in the namespace of a process. */
function listens(pid: number, protocol: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return [protocol, `${protocol}6`].some((table) => {
    try {
      const text = readFileSync(`/proc/${pid}/net/${table}`, 'utf8');
      // A TCP socket listens in state 0A; one of UDP is bound in state 07.
      return new RegExp(`:${hex} [0-9A-F]+:0000 0[A7] `).test(text);
    } catch {
      return false;
    }
  });
}
