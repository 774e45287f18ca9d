/** Client and server of traffic measurements. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DpctlError } from '../../../loader/errors.js';
import { cpuTime } from '../measure/machine.js';
import { CLIENT_CPU, type Running, run, SERVER_CPU, start } from '../measure/process.js';
import type { Namespace, Sandbox } from './sandbox.js';

/** Client or server. */
export interface End {
  readonly space: Namespace;
  readonly ip4: string;
  readonly ip6: string;
}

/** Client and server of a subject. */
export interface Pair {
  readonly name: string;
  /** The client, which by default sends. */
  readonly client: End;
  readonly server: End;
}

/** Name of the interface in both ends. */
export const DEVICE = 'eth0';

/** A result, and the CPU time that the whole machine used for it. */
export interface Cost<T> {
  readonly value: T;
  /** CPU seconds of all processes and interrupts. */
  readonly cpu: number;
}

/** Run a function, and measure the CPU time of the machine meanwhile. */
export async function withCpu<T>(work: () => Promise<T>): Promise<Cost<T>> {
  const before = cpuTime();
  const value = await work();
  return { value, cpu: cpuTime().busy - before.busy };
}

/** Run a program in the client's namespace. @returns its output */
export function ask({ client }: Pair, argv: readonly string[], cpu = CLIENT_CPU): Promise<string> {
  return run(argv, { space: client.space, cpu, timeout: 30_000 });
}

const LISTEN_MS = 3000;

/**
 * Start a program in the server's namespace, pinned to its CPU, and wait until it listens. It is killed with
 * the sandbox.
 * @param protocol table of /proc/net to search for its port
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

/** Whether a port is bound in the network namespace of a process. */
function listens(pid: number, protocol: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return [protocol, `${protocol}6`].some((table) => {
    try {
      const text = readFileSync(`/proc/${pid}/net/${table}`, 'utf8');
      // State 0A: listening TCP socket. State 07: bound UDP socket.
      return new RegExp(`:${hex} [0-9A-F]+:0000 0[A7] `).test(text);
    } catch {
      return false;
    }
  });
}
