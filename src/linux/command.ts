/** Other programs of the system (ip, nft, mount), for tasks that would take many system calls. */

import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import {
  DpctlError,
  ERRNO,
  EXIT_INTERRUPTED,
  errnoOfAny,
  INTERRUPTED,
  kernelError,
} from '../../loader/errors.js';
import { exec, type Hint } from '../../loader/hint.js';
import { withFd } from '../../loader/sys/files.js';

/** Commands used here take milliseconds; after this time one is considered hung. */
const TIMEOUT_MS = 10_000;

/** Debian's package of each program, for the hint when it is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  mount: 'mount',
  umount: 'mount',
  nsenter: 'util-linux',
};

/** Signals with which users and services end what they started. */
const INTERRUPTS: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP']);

/** Options of runCommand. */
export interface CommandOptions {
  /** Error code when it fails; COMMAND_FAILED by default. */
  readonly code?: string | undefined;
  readonly hint?: Hint | undefined;
}

/**
 * Run a program without a shell and return its standard output. Throws COMMAND_MISSING (exit 2) with the
 * package to install, COMMAND_TIMEOUT (exit 2) after 10 s, INTERRUPTED (exit 130) if a signal ended it, and
 * `code` or COMMAND_FAILED (exit 2) with the program's standard error.
 */
export async function runCommand(
  argv: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<string> {
  const [file, ...args] = argv;
  const { code, signal, stdout, stderr, timedOut } = await runFile(file, args);
  if (code === 0) return stdout;
  const line = argv.join(' ');
  if (timedOut) {
    throw new DpctlError(
      'COMMAND_TIMEOUT',
      `${line}: did not finish within ${TIMEOUT_MS / 1000} s`,
    );
  }
  // nsenter reports that it cannot find the inner program.
  const inner = /failed to execute (\S+): No such file/.exec(stderr)?.[1];
  if (inner !== undefined) throw missing(inner);
  const errno = shortageIn(stderr);
  if (errno !== undefined) throw kernelError(line, errno, { details: { stderr } });
  if (signal !== null && INTERRUPTS.has(signal)) {
    // A terminal's Ctrl-C reaches all processes of a command: this program may end before dpctl sees the
    // signal.
    throw new DpctlError(INTERRUPTED, `${line}: ended by ${signal}`, {
      exitCode: EXIT_INTERRUPTED,
    });
  }
  const how = signal === null ? `exit code ${code}` : `ended by ${signal}`;
  throw new DpctlError(options.code ?? 'COMMAND_FAILED', `${line}: ${oneLine(stderr) || how}`, {
    ...(options.hint === undefined ? {} : { hint: options.hint }),
    details: { command: line, status: code, stderr },
  });
}

/** How a program ended, and what it wrote. */
export interface Ended {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** What a program gets besides its arguments. */
export interface FileOptions {
  /** Text for its standard input; none by default. */
  readonly input?: string;
  /** Milliseconds after which it is killed; 10 s by default. */
  readonly timeout?: number;
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Run a program without a shell, whatever its exit code. Throws COMMAND_MISSING (exit 2), and KERNEL_* if it
 * cannot be started. No package is used: execa, used elsewhere, takes a lack of descriptors for a fault of
 * its own.
 */
export function runFile(
  file: string,
  args: readonly string[],
  { input, timeout = TIMEOUT_MS, env }: FileOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(file, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
      // Messages are parsed and shown, so they must not depend on the user's language.
      env: { ...process.env, LC_ALL: 'C', PATH: searchPath(), ...env },
    });
    child.on('error', (cause) => reject(unstarted(file, cause)));
    // A program may end without reading its input.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    // If it did not start there are no streams, despite the types.
    const outputs = [gather(child.stdout), gather(child.stderr)] as const;
    child.on('close', (code, signal) => {
      const [stdout, stderr] = [outputs[0](), outputs[1]()];
      const timedOut = signal === 'SIGKILL' && performance.now() - start >= timeout;
      resolve({ code, signal, stdout, stderr, timedOut });
    });
  });
}

/** The program's whole output, without the final line break. */
function gather(from: Readable | null | undefined): () => string {
  const chunks: Buffer[] = [];
  from?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8').replace(/\n$/, '');
}

/** The program did not start, so this error is not the program's. */
export function unstarted(file: string, cause: Error): Error {
  const name = errnoOfAny(cause);
  if (name === 'ENOENT') return missing(file, cause);
  const errno = name === undefined ? undefined : ERRNO[name];
  return errno === undefined ? cause : kernelError(`start ${file}`, errno, { cause });
}

/** Errors caused by the machine, by the text of strerror(3) that a program prints. */
const SHORTAGE_TEXTS: Readonly<Record<string, string>> = {
  'Too many open files in system': 'ENFILE',
  'Too many open files': 'EMFILE',
  'Cannot allocate memory': 'ENOMEM',
  'No space left on device': 'ENOSPC',
  'Input/output error': 'EIO',
  'Interrupted system call': 'EINTR',
};

/** The errno of a machine's shortage that ended a program; undefined for the program's own errors. */
function shortageIn(stderr: string): number | undefined {
  const text = Object.keys(SHORTAGE_TEXTS).find((each) => stderr.includes(each));
  return text === undefined ? undefined : ERRNO[SHORTAGE_TEXTS[text] ?? ''];
}

/**
 * Pass `use` the path of an unnamed file with `content`, for a program that reads files. It vanishes with
 * this process, even if that is killed. A pipe to standard input would not do: Node's pipes are sockets,
 * which a program that opens /dev/stdin (nft -f -) cannot open.
 */
export async function withAnonymousFile<T>(
  content: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  return withFd(anonymousFile(content), (fd) => use(`/proc/${process.pid}/fd/${fd}`));
}

function anonymousFile(content: string): number {
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-'));
  try {
    const path = join(dir, 'input');
    writeFileSync(path, content, { mode: 0o600 });
    return openSync(path, 'r');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The message without the echoed input and the carets below it that nft adds. */
function oneLine(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.find((line) => /^Error: /.test(line)) ?? lines.filter((line) => line).join('; ');
}

/**
 * The system's directories come first: npm puts node_modules/.bin in front, where a package may have a
 * program called nft, and users' shells leave out the sbin directories, where ip and nft are. The caller's
 * own path comes last, for systems that keep their programs elsewhere.
 */
export function searchPath(): string {
  const system = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return process.env.PATH ? `${system}:${process.env.PATH}` : system;
}

function missing(file: string, cause?: unknown): DpctlError {
  return new DpctlError('COMMAND_MISSING', `the program "${file}" is not installed`, {
    hint: exec`apt-get install ${PACKAGES[file] ?? file}`,
    details: { command: file },
    cause,
  });
}
