/** Counts the results in a TAP stream line by line. */

/** The result of a suite. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** No tests. */
export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

/** The sum of two results. */
export function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** The last line of a run, which CI reads. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** What one line of TAP says of a test; undefined for any other line. */
export interface TapResult {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly title: string;
}

/**
 * Read one line. A test that was planned but did not run counts as failed, as ava reports it too.
 * @param line a line of TAP 13, as ava prints it
 */
export function parseTapLine(line: string): TapResult | undefined {
  const match = /^(not )?ok \d+ - (.*)$/.exec(line);
  if (match?.[2] === undefined) return undefined;
  const skip = / # SKIP\b.*$/.exec(match[2]);
  if (skip) return { outcome: 'skipped', title: match[2].slice(0, skip.index) };
  return { outcome: match[1] === undefined ? 'passed' : 'failed', title: match[2] };
}

/** The counts with one more result. */
export function count(counts: Counts, { outcome }: TapResult): Counts {
  return { ...counts, [outcome]: counts[outcome] + 1 };
}
