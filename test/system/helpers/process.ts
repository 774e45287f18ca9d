/** Programs that run during a test, in a namespace, and end with it. */
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { PATIENCE } from '../../helpers/patience.js';
import { PATH, type Ran } from './lab.js';

/** A program that runs. */
export interface Running {
  readonly pid: number;
  /** Its output so far. */
  output(): Ran;
  /** Its stdout so far, as bytes. */
  bytes(): Buffer;
  /** Wait for a text on either stream; throws with the present output after a time-out. */
  says(words: RegExp, milliseconds?: number): Promise<void>;
  /** Wait for its end; throws after a time-out. */
  ended(milliseconds?: number): Promise<Ran>;
  /** Send it a signal and wait for its end. */
  stop(signal?: NodeJS.Signals): Promise<Ran>;
}

/** Options of a program. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input; empty by default. */
  readonly stdin?: Uint8Array;
}

/**
 * Start a program.
 * @param ns the namespace that it runs in; '' for the one of the test
 */
export function start(
  t: Pick<ExecutionContext, 'teardown'>,
  ns: string,
  argv: readonly string[],
  options: StartOptions = {},
): Running {
  const [file = '', ...args] = ns === '' ? argv : ['ip', 'netns', 'exec', ns, ...argv];
  const child = execa(file, args, {
    reject: false,
    encoding: 'buffer',
    buffer: false,
    env: { PATH, ...options.env },
    ...(options.stdin === undefined ? { stdin: 'ignore' as const } : { input: options.stdin }),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  let code: number | undefined;
  const end = child.then((result) => {
    code = result.exitCode ?? 255;
  });
  const output = (): Ran => ({
    code: code ?? -1,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  });
  const within = async (milliseconds: number, done: () => boolean, what: string) => {
    const deadline = Date.now() + milliseconds * PATIENCE;
    while (!done()) {
      if (Date.now() > deadline || (code !== undefined && !done())) {
        const { stdout, stderr } = output();
        throw new Error(`${argv.join(' ')}: ${what}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const running: Running = {
    pid: child.pid ?? 0,
    output,
    bytes: () => Buffer.concat(out),
    says: (words, milliseconds = 5000) =>
      within(
        milliseconds,
        () => words.test(output().stdout + output().stderr),
        `did not say ${words}`,
      ),
    async ended(milliseconds = 10_000) {
      await within(milliseconds, () => code !== undefined, 'did not end');
      return output();
    },
    async stop(signal = 'SIGTERM') {
      if (code === undefined) child.kill(signal);
      const patience = setTimeout(() => child.kill('SIGKILL'), 3000);
      await end;
      clearTimeout(patience);
      return output();
    },
  };
  t.teardown(async () => {
    await running.stop();
  });
  return running;
}

/** Wait until a condition holds, with repeated checks. @returns whether it did */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  milliseconds = 5000,
  pause = 50,
): Promise<boolean> {
  const deadline = Date.now() + milliseconds * PATIENCE;
  for (;;) {
    if (await holds()) return true;
    if (Date.now() > deadline) return false;
    await sleep(pause);
  }
}

/** Wait for a while. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
