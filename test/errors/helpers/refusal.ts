/** A command that must be refused with one clear message and without any change. */
import type { ExecutionContext } from 'ava';
import { differences, type Snapshot, takeSnapshot } from '../../helpers/snapshot.js';
import type { Lab, RunOptions } from '../../system/helpers/lab.js';

/** What a user sees. */
export interface Refusal {
  readonly code: string;
  readonly exit: number;
  /** Part of the message. */
  readonly message: RegExp;
  /** Part of the text behind `try:`. */
  readonly hint: RegExp;
}

/** How to run the command; by default in the node's namespace. */
export type Run = (args: readonly string[], options?: RunOptions) => ReturnType<Lab['dpctl']>;

/** The error in JSON. */
interface Report {
  readonly code: string;
  readonly msg: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string;
}

/**
 * Run a command with text and with JSON output; both must be refused and leave everything unchanged.
 * @param namespaces those to compare beside the node's
 * @param options.before their state before, if it is known
 */
export async function refused(
  t: ExecutionContext,
  lab: Lab,
  namespaces: readonly string[],
  args: readonly string[],
  expected: Refusal,
  options: RunOptions & { readonly run?: Run; readonly before?: Snapshot } = {},
): Promise<Report> {
  const run: Run = options.run ?? lab.dpctl;
  const what = args.join(' ');
  const before = options.before ?? (await takeSnapshot(lab, namespaces));

  const text = await run(args, options);
  t.is(text.code, expected.exit, `${what}: ${text.stderr}`);
  t.is(text.stdout, '', `${what}: nothing on stdout`);
  const [first = '', ...rest] = text.stderr.split('\n');
  t.true(first.startsWith(`error[${expected.code}]: `), text.stderr);
  t.regex(text.stderr, expected.message);
  const hints = rest.filter((line) => line.startsWith('try: '));
  t.is(hints.length, 1, text.stderr);
  t.regex(hints[0] ?? '', expected.hint);
  t.notRegex(text.stderr, /^\s+at .*:\d+:\d+/m, 'no stack trace');

  const json = await run([...args, '-o', 'json'], options);
  t.is(json.code, expected.exit);
  t.is(json.stdout, '');
  const report = JSON.parse(json.stderr) as Report;
  t.deepEqual(Object.keys(report), ['code', 'msg', 'details', 'hint']);
  t.is(report.code, expected.code);
  t.regex(report.msg, expected.message);
  t.regex(report.hint, expected.hint);

  t.deepEqual(differences(before, await takeSnapshot(lab, namespaces)), [], `${what}: no change`);
  return report;
}
