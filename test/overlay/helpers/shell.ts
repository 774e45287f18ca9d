/** Programs in namespaces. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { searchPath } from '../../../src/linux/command.js';
import { PATIENCE } from '../../helpers/patience.js';

const TIMEOUT_MS = 30_000 * PATIENCE;

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', PATH: searchPath() };
}

/** A program's output; throws with its error output if it fails. `ns` '' is this namespace. */
export function sh(ns: string, ...argv: string[]): string {
  const [file = '', ...args] = ns === '' ? argv : ['ip', 'netns', 'exec', ns, ...argv];
  return execFileSync(file, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    maxBuffer: 64 << 20,
    env: environment(),
  });
}

/** Whether a program succeeds. */
export function ok(ns: string, ...argv: string[]): boolean {
  const [file = '', ...args] = ['ip', 'netns', 'exec', ns, ...argv];
  return (
    spawnSync(file, args, { stdio: 'ignore', timeout: TIMEOUT_MS, env: environment() }).status === 0
  );
}

/** Lines for `ip -batch` in a namespace: one process for many changes. */
export function batch(ns: string, ...lines: string[]): void {
  execFileSync('ip', ['-n', ns, '-force', '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    env: environment(),
  });
}

/** A program that runs until it is stopped. */
export interface Background {
  readonly child: ChildProcess;
  /** Its output so far: all of it, and stdout only. */
  output(): Buffer;
  stdout(): Buffer;
  /** Its exit code, once it has ended by itself. */
  ended(): Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Start a program in a namespace. `exec`, so that a signal reaches the program itself. */
export function start(ns: string, argv: readonly string[], input?: Uint8Array): Background {
  const child = spawn('ip', ['netns', 'exec', ns, ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment(),
  });
  const chunks: Buffer[] = [];
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    out.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const exited = once(child, 'close');
  return {
    child,
    output: () => Buffer.concat(chunks),
    stdout: () => Buffer.concat(out),
    async ended() {
      await exited;
      return child.exitCode;
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
    },
  };
}

/** Wait a number of milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Wait until a condition holds; throws after a time-out. */
export async function until(what: string, check: () => boolean, milliseconds = 5000) {
  const deadline = Date.now() + milliseconds * PATIENCE;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await sleep(20);
  }
}

/**
 * Wait until devices carry packets: a moment after their set-up, which on a busy machine is long enough to
 * lose the first packets.
 */
export function awaitUp(ns: string, ...devices: string[]): void {
  const files = devices.map((device) => `/sys/class/net/${device}/operstate`);
  const script = 'for i in $(seq 300); do grep -qvx up "$@" || exit 0; sleep 0.01; done; exit 1';
  sh(ns, 'sh', '-c', script, 'sh', ...files);
}
