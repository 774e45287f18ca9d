/** Errors as data, which other processes can read and throw again. */
import { DpctlError, shortageHint } from '../../loader/errors.js';
import { advice, type Hint, run } from '../../loader/hint.js';

/** An error as data. The hint is not text yet. */
export interface Failure {
  readonly code: string;
  readonly msg: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: Hint;
  readonly exitCode: number;
  /** Messages of the causes, the direct cause first. */
  readonly causes: readonly string[];
}

/** Exit code of a bug (EX_SOFTWARE of sysexits.h). */
export const BUG = 70;

/** Convert any thrown value. Values that are not a DpctlError or a system error are reported as a bug. */
export function failureOf(error: unknown): Failure {
  const causes = causesOf(error);
  if (error instanceof DpctlError) {
    const { code, message: msg, details, exitCode } = error;
    return { code, msg, details, hint: error.hint ?? '', exitCode, causes };
  }
  if (isSystemError(error)) {
    const details = { errno: error.code, call: error.syscall };
    const code = `SYSTEM_${error.code}`;
    const hint = shortageHint(error.code) ?? '';
    return { code, msg: error.message, details, hint, exitCode: 2, causes };
  }
  return {
    code: 'BUG',
    msg: `${error instanceof Error ? `${error.name}: ${error.message}` : String(error)} (this is a bug of dpctl)`,
    details: {},
    hint: advice`repeat the command with DPCTL_DEBUG=1 and report its output together with \`${run`version`}\``,
    exitCode: BUG,
    causes,
  };
}

/** Convert back to an error. {@link failureOf} returns the same data for it. */
export function errorOf({ code, msg, details, hint, exitCode, causes }: Failure): DpctlError {
  const cause = causes.reduceRight<Error | undefined>(
    (inner, text) => new Error(text, inner === undefined ? undefined : { cause: inner }),
    undefined,
  );
  return new DpctlError(code, msg, {
    details,
    exitCode,
    ...(hint === '' ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Convert the hints of errors that the details list to text. */
export function withHints(
  { failures, ...details }: Failure['details'],
  read: (hint: Hint) => string,
): Failure['details'] {
  if (!Array.isArray(failures)) return failures === undefined ? details : { ...details, failures };
  const told = failures.map((each: string | { readonly hint: Hint }) =>
    typeof each === 'object' ? { ...each, hint: read(each.hint) } : each,
  );
  return { ...details, failures: told };
}

/** Replacer for {@link JSON.stringify}, which throws on a BigInt and would hide the error to be reported. */
export function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Maximum number of causes. Causes may form a cycle, and longer chains do not help a reader. */
const LEVELS = 4;

/** The error and its causes, the direct cause first. */
export function chainOf(error: unknown): unknown[] {
  const chain = [error];
  for (let level = 0; level < LEVELS; level++) {
    const last = chain.at(-1);
    if (!(last instanceof Error) || last.cause === undefined || last.cause === null) break;
    chain.push(last.cause);
  }
  return chain;
}

function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  for (const cause of chainOf(error).slice(1)) {
    const text = cause instanceof Error ? cause.message : String(cause);
    if (shown(error, causes, text)) continue;
    causes.push(cause instanceof DpctlError ? `${cause.code}: ${text}` : text);
  }
  return causes;
}

/** Whether the text of a cause is empty or already part of the message or of an earlier cause. */
function shown(error: unknown, causes: readonly string[], text: string): boolean {
  const above = [error instanceof Error ? error.message : '', ...causes];
  return text === '' || above.some((line) => line.includes(text));
}

interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

/** An error of a system call that has no error code of dpctl: a full disk, a read-only file system. */
function isSystemError(error: unknown): error is SystemError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^E[A-Z0-9]+$/.test(error.code) &&
    'syscall' in error &&
    typeof error.syscall === 'string'
  );
}
