/**
 * Other programs of the system (ip, nft, mount), for what they do better than a few system calls.
 */

import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DpctlError, ERRNO, kernelError } from '../../loader/errors.js';
import { withFd } from '../../loader/sys.js';

/** No command used here takes longer than milliseconds; this one hangs. */
const TIMEOUT_MS = 10_000;

/** Debian's package of each program, for the hint when it is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  mount: 'mount',
  umount: 'mount',
  nsenter: 'util-linux',
};

/** Options of runCommand. */
export interface CommandOptions {
  /** Code of the error when it fails; COMMAND_FAILED when not given. */
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
}

/**
 * Runs a program without a shell and returns its standard output. Throws COMMAND_MISSING (exit 2)
 * with the package to install, COMMAND_TIMEOUT (exit 2) after 10 s, and `code` or COMMAND_FAILED
 * (exit 2) with what the program said on standard error.
 */
export async function runCommand(
  argv: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<string> {
  // Loaded here because it costs a third of a `dump`, which runs no command.
  const { execa } = await import('execa');
  const [file, ...args] = argv;
  const result = await execa(file, args, {
    stdin: 'ignore',
    timeout: TIMEOUT_MS,
    reject: false,
    // Messages are parsed and shown: never in the user's language.
    env: { LC_ALL: 'C', PATH: searchPath() },
  });
  if (!result.failed) return result.stdout;
  const line = argv.join(' ');
  // Not started at all: that is no word of the program.
  if (result.code === 'ENOENT' && result.exitCode === undefined) throw missing(file, result.cause);
  const unstarted = result.code === undefined ? undefined : ERRNO[result.code];
  if (unstarted !== undefined)
    throw kernelError(`start ${file}`, unstarted, { cause: result.cause });
  if (result.timedOut) {
    throw new DpctlError('COMMAND_TIMEOUT', `${line}: no end after ${TIMEOUT_MS / 1000} s`);
  }
  // nsenter reports a program that it cannot find itself.
  const inner = /failed to execute (\S+): No such file/.exec(result.stderr)?.[1];
  if (inner !== undefined) throw missing(inner, result.cause);
  const said = oneLine(result.stderr) || result.shortMessage;
  const errno = shortageIn(result.stderr);
  if (errno !== undefined) {
    throw kernelError(line, errno, { details: { stderr: result.stderr }, cause: result.cause });
  }
  throw new DpctlError(options.code ?? 'COMMAND_FAILED', `${line}: ${said}`, {
    ...(options.hint === undefined ? {} : { hint: options.hint }),
    details: { command: line, status: result.exitCode ?? null, stderr: result.stderr },
    cause: result.cause,
  });
}

/** Errors that a program has of the machine, by the words of strerror(3), which it prints. */
const SHORTAGE_TEXTS: Readonly<Record<string, string>> = {
  'Too many open files in system': 'ENFILE',
  'Too many open files': 'EMFILE',
  'Cannot allocate memory': 'ENOMEM',
  'No space left on device': 'ENOSPC',
  'Input/output error': 'EIO',
  'Interrupted system call': 'EINTR',
};

/** The errno that a program died of, where it is the machine's; undefined for what it says itself. */
function shortageIn(stderr: string): number | undefined {
  const text = Object.keys(SHORTAGE_TEXTS).find((each) => stderr.includes(each));
  return text === undefined ? undefined : ERRNO[SHORTAGE_TEXTS[text] ?? ''];
}

/**
 * Hands `use` the path of a file without a name that holds `content`, for a program that reads files.
 * It vanishes with this process even when that is killed. Not a pipe to standard input: Node's pipes
 * are sockets, which a program that opens /dev/stdin (nft -f -) cannot open.
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

/** The message without the echo of the input and the carets below it that nft adds. */
function oneLine(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.find((line) => /^Error: /.test(line)) ?? lines.filter((line) => line).join('; ');
}

/**
 * The system's directories first: npm puts node_modules/.bin in front, where a package may have a
 * program called nft, and users' shells leave the sbin directories out, where ip and nft live. The
 * caller's own path comes last, for systems that keep their programs elsewhere.
 */
export function searchPath(): string {
  const system = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return process.env.PATH ? `${system}:${process.env.PATH}` : system;
}

function missing(file: string, cause: unknown): DpctlError {
  return new DpctlError('COMMAND_MISSING', `the program "${file}" is not installed`, {
    hint: `apt-get install ${PACKAGES[file] ?? file}`,
    details: { command: file },
    cause,
  });
}
