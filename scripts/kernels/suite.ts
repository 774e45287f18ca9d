/** The kernel matrix as a suite: the oldest and the newest kernel, their tests counted with all others. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { processesOf } from '../test/leaks.js';
import type { SuiteResult } from '../test/run.js';
import { add, type Counts, NOTHING } from '../test/tap.js';
import {
  failuresOf,
  isUnknown,
  type KernelResult,
  ranOutOfTime,
  readResult,
  verdictOf,
} from './results.js';

/** The suite's name on the command line. */
export const GUESTS = 'guests';

/** The oldest and the newest supported kernel; `make test-kernels` runs the others. */
const KERNELS = ['6.1', 'newest'];

/**
 * For one kernel. They run one after the other, beside all other suites, and take about twice as long as
 * on an idle machine.
 */
const RUN_SECONDS = 1500;

/** Whether it loads and forwards; `make test-kernels` runs the other parts. */
const CHOICE = ['load', 'packet', 'system'];

/** Whether a run of these suites includes guests: requested by name or by DPCTL_TEST_KERNELS=1. */
export function withGuests(only: readonly string[], env: NodeJS.ProcessEnv): boolean {
  if (only.length > 0) return only.includes(GUESTS);
  return env.DPCTL_TEST_KERNELS === '1';
}

/**
 * The results that one kernel adds to a run. A kernel without a result is skipped, with the reason; so is
 * anything for which the machine was too slow. Any other problem of a kernel with a result is a failure.
 */
export function countKernel(result: KernelResult): Omit<SuiteResult, 'seconds'> {
  const named = (text: string): string => `${GUESTS}: Linux ${result.name}: ${text}`;
  if (isUnknown(result)) {
    const why = result.troubles.at(-1) ?? 'it could not be fetched or booted';
    return { counts: { ...NOTHING, skipped: 1 }, failures: [], skips: [named(why)] };
  }
  let counts: Counts = result.parts.reduce(
    (sum, { passed, failed, skipped }) => add(sum, { passed, failed, skipped }),
    NOTHING,
  );
  // A repeated boot is reported when it happens, and is no failure.
  const late = ranOutOfTime(result) && counts.failed === 0;
  const bad = verdictOf(result) === 'FAILED' && !late;
  const failures = bad ? failuresOf(result).map(named) : [];
  if (bad && counts.failed === 0) {
    counts = { ...counts, failed: 1 };
    if (!result.finished) failures.push(named('the guest did not come to a good end'));
  }
  const skips = result.parts.flatMap((part) => part.skips.map(named));
  if (late) {
    counts = add(counts, { ...NOTHING, skipped: 1 });
    const seen = result.parts.map(({ part }) => part).join(', ');
    skips.push(named(`${result.troubles.at(-1)}, which is too slow a machine; seen: ${seen}`));
  }
  return { counts, failures, skips };
}

/**
 * Boot the kernels and count the results of their tests. The guests' output is printed, too.
 * @param root the repository's folder
 * @param print where each line goes
 */
export async function runGuests(root: string, print: (line: string) => void): Promise<SuiteResult> {
  const started = Date.now();
  const folder = join(process.env.DPCTL_KERNELS_DIR ?? join(root, '.kernels'), 'results');
  // Results of an earlier run do not count.
  for (const kernel of KERNELS) rmSync(join(folder, `${kernel}.jsonl`), { force: true });
  // Outside of the run's private namespaces, because it downloads. It creates nothing but these files.
  const tag = `${process.pid}-${GUESTS}`;
  const temporary = mkdtempSync(join(tmpdir(), 'dpctl-guests-'));
  const script = spawn(join(root, 'scripts/test-kernels.sh'), KERNELS, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      DPCTL_KERNELS_RUN_LIMIT: `${RUN_SECONDS}`,
      DPCTL_KERNELS_PARTS: CHOICE.join(' '),
      ...process.env,
      DPCTL_KERNELS_JOBS: '1',
      DPCTL_TEST_RUN: tag,
      TMPDIR: temporary,
    },
  });
  createInterface({ input: script.stdout }).on('line', print);
  await new Promise<void>((resolve, reject) => {
    script.on('error', reject);
    script.on('close', () => resolve());
  });
  const all = KERNELS.map((kernel) => {
    const log = read(join(folder, `${kernel}.log`));
    const result = readResult(kernel, read(join(folder, `${kernel}.jsonl`)));
    if (verdictOf(result) === 'FAILED') print(`\n# ---- Linux ${kernel} said:\n${log}`);
    return countKernel(result);
  });
  all.push(
    countLeft(
      [...processesOf(tag).map((pid) => `process ${pid}`), ...readdirSync(temporary)],
      print,
    ),
  );
  rmSync(temporary, { recursive: true });
  return {
    counts: all.reduce((sum, { counts }) => add(sum, counts), NOTHING),
    failures: all.flatMap(({ failures }) => failures),
    skips: all.flatMap(({ skips }) => skips),
    seconds: (Date.now() - started) / 1000,
  };
}

function countLeft(
  left: readonly string[],
  print: (line: string) => void,
): Omit<SuiteResult, 'seconds'> {
  const title = `${GUESTS}: leaves the machine as it was`;
  print(`${left.length === 0 ? 'ok' : 'not ok'} - ${title}`);
  if (left.length === 0) return { counts: { ...NOTHING, passed: 1 }, failures: [], skips: [] };
  const failures = [`${title}: ${left.join('; ')}`];
  return { counts: { ...NOTHING, failed: 1 }, failures, skips: [] };
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
