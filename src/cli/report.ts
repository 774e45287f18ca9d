/** The one place that turns an error into text, JSON and an exit code. */
import { DpctlError, shortageHint } from '../../loader/errors.js';
import { advice, type Hint, run } from '../../loader/hint.js';
import { hostRoot } from '../linux/mountns.js';
import { hintText } from '../model/hint.js';
import type { Paint } from './color.js';
import type { HintReader } from './hints.js';
import { printableLines } from './output.js';

/** An error as it is shown. */
export interface Report {
  readonly code: string;
  readonly msg: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** The next step; empty when there is none. */
  readonly hint: string;
  readonly exitCode: number;
  /** What it was caused by, the nearest first. */
  readonly causes: readonly string[];
  /** With DPCTL_DEBUG only. */
  readonly stack: string;
}

type RawReport = Omit<Report, 'hint'> & { readonly hint: Hint };

/** Exit code of a bug (EX_SOFTWARE of sysexits.h). */
export const BUG = 70;

/**
 * What to show of anything that was thrown.
 * @param read makes the text of its hint
 */
export function reportOf(error: unknown, debug: boolean, read: HintReader = hintText): Report {
  const raw = rawReport(error, debug);
  const report = { ...raw, details: withHints(raw.details, read), hint: read(raw.hint) };
  const prefix = hostRoot();
  return prefix === '' ? report : withoutPrefix(report, `${prefix}/`);
}

/** Below `ip netns exec` the host's files are reached by a detour (mountns.ts) that tells nobody anything. */
function withoutPrefix<T>(value: T, prefix: string): T;
function withoutPrefix(value: unknown, prefix: string): unknown {
  if (typeof value === 'string') return value.replaceAll(prefix, '/');
  if (Array.isArray(value)) return value.map((each) => withoutPrefix<unknown>(each, prefix));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [
    key,
    withoutPrefix<unknown>(member, prefix),
  ]);
  return Object.fromEntries(members);
}

/** Details may list further errors, each with a hint of its own. */
function withHints(
  { failures, ...details }: Report['details'],
  read: HintReader,
): Report['details'] {
  if (!Array.isArray(failures)) return failures === undefined ? details : { ...details, failures };
  const told = failures.map((each: string | { readonly hint: Hint }) =>
    typeof each === 'object' ? { ...each, hint: read(each.hint) } : each,
  );
  return { ...details, failures: told };
}

function rawReport(error: unknown, debug: boolean): RawReport {
  const stack = debug && error instanceof Error ? stackOf(error) : '';
  const causes = causesOf(error);
  if (error instanceof DpctlError) {
    const { code, message: msg, details, exitCode } = error;
    return { code, msg, details, hint: error.hint ?? '', exitCode, causes, stack };
  }
  if (isSystemError(error)) {
    const details = { errno: error.code, call: error.syscall };
    const code = `SYSTEM_${error.code}`;
    const hint = shortageHint(error.code) ?? '';
    return { code, msg: error.message, details, hint, exitCode: 2, causes, stack };
  }
  return {
    code: 'BUG',
    msg: `${error instanceof Error ? `${error.name}: ${error.message}` : String(error)} (this is a bug of dpctl)`,
    details: {},
    hint: advice`the same command with DPCTL_DEBUG=1, and report what it prints together with \`${run`version`}\``,
    exitCode: BUG,
    causes,
    stack,
  };
}

/** `error[CODE]: message`, its causes, and `try: hint`. */
export function reportText(report: Report, paint: Paint): string {
  const { code, msg, causes, hint, stack } = report;
  return [
    `${paint.red(paint.bold(`error[${code}]`))}: ${printableLines(msg)}`,
    ...causes.map((cause) => `  cause: ${printableLines(cause)}`),
    ...(hint === '' ? [] : [`${paint.cyan('try')}: ${printableLines(hint)}`]),
    ...(stack === '' ? [] : [paint.dim(printableLines(stack))]),
    '',
  ].join('\n');
}

/** The same for machines, on one line: code, msg, details, hint. */
export function reportJson(report: Report): string {
  const { code, msg, details, hint, causes, stack } = report;
  const more = {
    ...details,
    ...(causes.length === 0 ? {} : { causes }),
    ...(stack === '' ? {} : { stack }),
  };
  return `${JSON.stringify({ code, msg, details: more, hint }, plain)}\n`;
}

/** BigInt and the like have no form in JSON; a failure to report would hide the failure itself. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** A cause may be its own ancestor, and more levels than these nobody reads. */
const LEVELS = 4;

/** The error and what caused it, the nearest first. */
function chainOf(error: unknown): unknown[] {
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

/** A cause whose text is part of what is shown already would only repeat it. */
function shown(error: unknown, causes: readonly string[], text: string): boolean {
  const above = [error instanceof Error ? error.message : '', ...causes];
  return text === '' || above.some((line) => line.includes(text));
}

function stackOf(error: Error): string {
  const stacks = chainOf(error).map((one) =>
    one instanceof Error ? (one.stack ?? one.message) : String(one),
  );
  return stacks.join('\ncaused by ');
}

interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

/** An error of the operating system that nobody gave a better name: a full disk, a read-only one. */
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
