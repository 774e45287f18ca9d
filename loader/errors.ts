import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { advice, type Hint, REPEAT, withoutRepeat } from './hint.js';

/** Facts of a failure by name, for machines (`details` of the JSON error). */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** Optional properties of a {@link DpctlError}. */
export interface ErrorOptions {
  /** Exit code of the process, as CONVENTIONS.md lists them; 2 if not set. */
  readonly exitCode?: number;
  /** The next step a user can take: a sentence, a command, or both. */
  readonly hint?: Hint;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/**
 * The one error class of the project: a stable code, an exit code, facts and a next step.
 * It is made where the cause is known and turned into output in one place, the CLI.
 */
export class DpctlError extends Error {
  readonly code: string;
  readonly exitCode: number;
  readonly hint: Hint | undefined;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DpctlError';
    this.code = code;
    this.exitCode = options.exitCode ?? 2;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** ENOTSUPP leaks out of the kernel (batch operations, test_run) but has no name in user space. */
const ENOTSUPP = 524;

/** errno numbers by name on this machine, from the C library's headers, plus ENOTSUPP. */
export const ERRNO: Readonly<Record<string, number>> = { ...constants.errno, ENOTSUPP };

/**
 * Names by number. Three numbers have two names, and Node's own table has the other one for some: the
 * one here is what the kernel's sources and manual pages say.
 */
const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(constants.errno).map(([name, errno]) => [errno, name] as const),
  ...(['EAGAIN', 'EDEADLK', 'EOPNOTSUPP'] as const).map(
    (name) => [constants.errno[name], name] as const,
  ),
]);

/** libbpf's own error numbers (libbpf.h), which it returns negated like an errno. */
const LIBBPF_ERRORS: readonly (readonly [string, string])[] = [
  ['LIBBPF_ERRNO__LIBELF', 'something wrong in libelf'],
  ['LIBBPF_ERRNO__FORMAT', 'BPF object format invalid'],
  ['LIBBPF_ERRNO__KVERSION', "'version' section incorrect or lost"],
  ['LIBBPF_ERRNO__ENDIAN', 'endian mismatch'],
  ['LIBBPF_ERRNO__INTERNAL', 'internal error in libbpf'],
  ['LIBBPF_ERRNO__RELOC', 'relocation failed'],
  ['LIBBPF_ERRNO__LOAD', 'failed to load program'],
  ['LIBBPF_ERRNO__VERIFY', 'kernel verifier blocks program loading'],
  ['LIBBPF_ERRNO__PROG2BIG', 'program too big'],
  ['LIBBPF_ERRNO__KVER', 'incorrect kernel version'],
  ['LIBBPF_ERRNO__PROGTYPE', "kernel doesn't support program type"],
  ['LIBBPF_ERRNO__WRNGPID', 'wrong pid in netlink message'],
  ['LIBBPF_ERRNO__INVSEQ', 'invalid netlink sequence'],
  ['LIBBPF_ERRNO__NLPARSE', 'incorrect netlink message parsing'],
];
const LIBBPF_ERRNO_START = 4000;

/**
 * The name of an errno.
 * @param errno a positive errno, ENOTSUPP (524) and libbpf's own numbers included
 * @returns 'EEXIST' and the like; 'ERRNO_<n>' for a number without a name
 */
export function errnoName(errno: number): string {
  if (errno === ENOTSUPP) return 'ENOTSUPP';
  const own = LIBBPF_ERRORS[errno - LIBBPF_ERRNO_START];
  if (own) return own[0];
  return NAMES.get(errno) ?? getSystemErrorMap().get(-errno)?.[0] ?? `ERRNO_${errno}`;
}

/** The sentence for an errno, as strerror(3) would put it. */
export function errnoText(errno: number): string {
  if (errno === ENOTSUPP) return 'operation not supported by the kernel';
  const own = LIBBPF_ERRORS[errno - LIBBPF_ERRNO_START];
  if (own) return own[1];
  return getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
}

/**
 * An error for a call that the kernel (or libbpf) refused.
 * @param call the call and, if it helps, its object: `bpf_obj_get /run/dpctl/bpf/fdb_v1`
 * @param errno the positive errno right after the call
 * @param options more details, a hint; exit code 2 unless given
 * @returns code `KERNEL_<ERRNO>`, message `<call>: <ERRNO> (<text>)`, details `{call, errno}`
 */
export function kernelError(call: string, errno: number, options: ErrorOptions = {}): DpctlError {
  const name = errnoName(errno);
  const hint = options.hint ?? shortageHint(name);
  return new DpctlError(`KERNEL_${name}`, `${call}: ${name} (${errnoText(errno)})`, {
    ...options,
    ...(hint !== undefined && { hint }),
    exitCode: options.exitCode ?? 2,
    details: { ...options.details, call, errno: name },
  });
}

/** The errno name carried by an error of {@link kernelError}, undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof DpctlError)) return undefined;
  const name = error.details.errno;
  return typeof name === 'string' ? name : undefined;
}

/** The errno name of an error of node:fs or of {@link kernelError}; undefined for any other value. */
export function errnoOfAny(error: unknown): string | undefined {
  const ours = errnoOf(error);
  if (ours !== undefined || !(error instanceof Error) || !('errno' in error)) return ours;
  return typeof error.errno === 'number' ? errnoName(Math.abs(error.errno)) : undefined;
}

/** Errors about the machine or the caller, never about the examined object: memory, rights, disks. */
const SHORTAGES: ReadonlySet<string> = new Set([
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'ENOSPC', 'EDQUOT', 'EAGAIN'],
  ...['EACCES', 'EPERM', 'EROFS', 'EINTR', 'EIO'],
]);

/** The remedy for a shortage; undefined for other errors. */
export function shortageHint(errno: string): Hint | undefined {
  switch (errno) {
    case 'EMFILE':
      return advice`allow more open files (ulimit -n 1024)${REPEAT}`;
    case 'ENFILE':
      return 'the system has no more open files: raise sysctl fs.file-max, or find the processes that hold them with lsof';
    case 'ENOMEM':
    case 'ENOBUFS':
      return advice`free memory, or raise its limit (ulimit -l, memory.max of the cgroup)${REPEAT}`;
    case 'ENOSPC':
    case 'EDQUOT':
      return advice`free space on that file system${REPEAT}`;
    default:
      return undefined;
  }
}

/** Code of the error of a command that was interrupted, itself or a program that it started; exit 130. */
export const INTERRUPTED = 'INTERRUPTED';
/** As a shell says it of SIGINT: 128 and its number. */
export const EXIT_INTERRUPTED = 130;

/**
 * Whether an error, or what caused it, says that something could not be looked at or done, not what
 * was found. No finding may be made of it: it goes up as it is.
 */
export function isShortage(error: unknown): boolean {
  for (let each = error, level = 0; each instanceof Error && level < 4; level++) {
    if (each instanceof DpctlError && each.code === INTERRUPTED) return true;
    const errno = errnoOfAny(each);
    if (errno !== undefined) return SHORTAGES.has(errno);
    each = each.cause;
  }
  return false;
}

/** The remedy for the shortage that an error reports, without the command; undefined for other errors. */
export function shortageRemedy(error: unknown): Hint | undefined {
  const errno = isShortage(error) ? errnoOfAny(error) : undefined;
  const hint = errno === undefined ? undefined : shortageHint(errno);
  return hint === undefined ? undefined : withoutRepeat(hint);
}

/** Run a section, and give `instead` for its errors of these names. All others go up. */
export function exceptFor<T>(errnos: readonly string[], section: () => T, instead: T): T {
  try {
    return section();
  } catch (error) {
    if (errnos.includes(errnoOfAny(error) ?? '')) return instead;
    throw error;
  }
}
