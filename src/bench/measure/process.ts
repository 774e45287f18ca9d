/** Programs that measure: run to their end, or beside others, in a namespace and on a CPU. */
import { availableParallelism } from 'node:os';
import type { ResultPromise } from 'execa';
import { DpctlError } from '../../../loader/errors.js';
import { searchPath } from '../../linux/command.js';
import type { Namespace } from '../subjects/sandbox.js';

/** Where and how a program runs. */
export interface RunOptions {
  /** The namespace; the caller's own if not set. */
  readonly space?: Namespace | undefined;
  /** The CPU that it is bound to, so that rounds do not differ by where the scheduler puts it. */
  readonly cpu?: number | undefined;
  /** Milliseconds; 0: as long as it likes. */
  readonly timeout?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** A program that ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running {
  readonly pid: number;
  /** End it now; it is not waited for. */
  kill(): void;
  /** Wait for its end. */
  ended(): Promise<Ended>;
}

const TIMEOUT = 60_000;
/** Milliseconds between SIGTERM and SIGKILL. */
const PATIENCE = 1000;

/** CPU of the side that asks, and of the side that answers: two, where there are two. */
export const CLIENT_CPU = 0;
export const SERVER_CPU = availableParallelism() > 1 ? 1 : 0;

function words(argv: readonly string[], { space, cpu }: RunOptions): string[] {
  return [
    ...(space === undefined ? [] : ['ip', 'netns', 'exec', space.name]),
    ...(cpu === undefined ? [] : ['taskset', '-c', String(cpu)]),
    ...argv,
  ];
}

async function launch(argv: readonly string[], options: RunOptions) {
  const { execa } = await import('execa');
  const [file = '', ...args] = words(argv, options);
  const common = {
    timeout: options.timeout ?? TIMEOUT,
    reject: false,
    forceKillAfterDelay: PATIENCE,
    // No colour and no language of the user's in what is parsed.
    env: { LC_ALL: 'C', PATH: searchPath(), ...options.env },
  } as const;
  return options.input === undefined
    ? { child: execa(file, args, { ...common, stdin: 'ignore' }) as ResultPromise }
    : { child: execa(file, args, { ...common, input: options.input }) as ResultPromise };
}

async function endOf(child: ResultPromise): Promise<Ended> {
  const result = await child;
  return {
    code: result.exitCode ?? 255,
    stdout: String(result.stdout ?? ''),
    stderr: String(result.stderr ?? '') || (result.shortMessage ?? ''),
  };
}

/** Run a program to its end, whatever its exit code. */
async function runAny(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return endOf((await launch(argv, options)).child);
}

/**
 * Run a program to its end.
 * @returns what it printed
 * @throws DpctlError BENCH_TOOL with what it said, unless it exits with 0
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runAny(argv, options);
  if (code === 0) return stdout;
  throw new DpctlError('BENCH_TOOL', `${argv.join(' ')}: ${(stderr || stdout).trim()}`, {
    details: { command: argv.join(' '), code },
  });
}

/** Start a program that runs beside others until it is stopped. */
export async function start(argv: readonly string[], options: RunOptions = {}): Promise<Running> {
  const { child } = await launch(argv, options);
  const end = endOf(child);
  return {
    pid: child.pid ?? 0,
    kill: () => child.kill('SIGKILL'),
    ended: () => end,
  };
}

/**
 * Whether a program is there.
 * @param name its name, or its path
 */
export async function isInstalled(name: string): Promise<boolean> {
  const { code } = await runAny(['sh', '-c', 'command -v "$1"', 'sh', name]);
  return code === 0;
}
