/** The one place that turns an error into text, JSON and an exit code. */
import { chainOf, type Failure, failureOf, plain, withHints } from '../api/failure.js';
import { hostRoot } from '../linux/mountns.js';
import { hintText } from '../model/hint.js';
import type { Paint } from './color.js';
import type { HintReader } from './hints.js';
import { printableLines } from './output.js';

/** An error as it is printed. */
export interface Report extends Omit<Failure, 'hint'> {
  /** The next step; empty when there is none. */
  readonly hint: string;
  /** Only with DPCTL_DEBUG. */
  readonly stack: string;
}

/**
 * The report for any value that was thrown.
 * @param read makes the text of its hint
 */
export function reportOf(error: unknown, debug: boolean, read: HintReader = hintText): Report {
  const failure = failureOf(error);
  const stack = debug && error instanceof Error ? stackOf(error) : '';
  const details = withHints(failure.details, read);
  const report = { ...failure, details, hint: read(failure.hint), stack };
  const prefix = hostRoot();
  return prefix === '' ? report : withoutPrefix(report, `${prefix}/`);
}

/**
 * Inside `ip netns exec` the host's files are reached through a prefix (mountns.ts) that means nothing to
 * users.
 */
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

/** The same as one line of JSON: code, msg, details, hint. */
export function reportJson(report: Report): string {
  const { code, msg, details, hint, causes, stack } = report;
  const more = {
    ...details,
    ...(causes.length === 0 ? {} : { causes }),
    ...(stack === '' ? {} : { stack }),
  };
  return `${JSON.stringify({ code, msg, details: more, hint }, plain)}\n`;
}

function stackOf(error: Error): string {
  const stacks = chainOf(error).map((one) =>
    one instanceof Error ? (one.stack ?? one.message) : String(one),
  );
  return stacks.join('\ncaused by ');
}
