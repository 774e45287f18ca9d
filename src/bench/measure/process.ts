/** Runs measurement programs, in the foreground or background, in a given namespace and on a given CPU. */
import { availableParallelism } from 'node:os';
import type { ResultPromise } from 'execa';
import { DpctlError } from '../../../loader/errors.js';
import { searchPath } from '../../linux/command.js';
import type { Namespace } from '../subjects/sandbox.js';

/** Options of a program. */
export interface RunOptions {
  /** Network namespace; that of the caller by default. */
  readonly space?: Namespace | undefined;
  /** CPU to pin the program to, so that scheduling does not differ between rounds. */
  readonly cpu?: number | undefined;
  /** Timeout in milliseconds; 0: none. */
  readonly timeout?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Result of a program. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program. */
export interface Running {
  readonly pid: number;
  /** Terminate the program. Does not wait for its end. */
  kill(): void;
  /** Wait for its end. */
  ended(): Promise<Ended>;
}

const TIMEOUT = 60_000;
/** Milliseconds between SIGTERM and SIGKILL. */
const PATIENCE = 1000;

/** CPUs of client and server: different ones if there are at least two. */
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
    // A fixed locale, and no variables of the user that change the output to parse.
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
 * @throws DpctlError BENCH_TOOL with its output, if the exit code is not 0
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runAny(argv, options);
  if (code === 0) return stdout;
  throw new DpctlError('BENCH_TOOL', `${argv.join(' ')}: ${(stderr || stdout).trim()}`, {
    details: { command: argv.join(' '), code },
  });
}

/** Start a program in the background. It runs until it is killed. */
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
 * Whether a program is installed.
 * @param name of the program, or its path
 */
export async function isInstalled(name: string): Promise<boolean> {
  const { code } = await runAny(['sh', '-c', 'command -v "$1"', 'sh', name]);
  return code === 0;
}
