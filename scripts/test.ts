/**
 * Runs the suites named on the command line, or all, one after another; checks after each that
 * the machine is as it was. The last line is `N passed, N failed, N skipped`.
 */

import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GUESTS, runGuests, withGuests } from './kernels/suite.js';
import { leaksSince, processesOf, snapshot } from './test/leaks.js';
import { runSuite, type SuiteResult } from './test/run.js';
import { suites } from './test/suites.js';
import { add, type Counts, closingLine, NOTHING } from './test/tap.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

interface Report {
  counts: Counts;
  readonly failures: string[];
  readonly skips: string[];
}

/** Something that is run by a name: a suite, or the guests. */
interface Runnable {
  readonly name: string;
  readonly what: string;
  readonly run: (tag: string) => Promise<SuiteResult>;
  /** Nothing is run, so nothing can be left behind. */
  readonly skipped: boolean;
}

function runnables(only: readonly string[]): Runnable[] {
  const named = only.filter((name) => name !== GUESTS);
  const folders = only.length > 0 && named.length === 0 ? [] : suites(root, named);
  const all = folders.map((suite) => ({
    name: suite.name,
    what: `${suite.files.length} files`,
    run: (tag: string) => runSuite(root, suite, tag),
    skipped: suite.skip !== undefined,
  }));
  if (!withGuests(only, process.env)) return all;
  const what = 'the oldest and the newest kernel';
  return [...all, { name: GUESTS, what, run: () => runGuests(root), skipped: false }];
}

async function runAndCheck(suite: Runnable, report: Report): Promise<void> {
  const tag = `${process.pid}-${suite.name}`;
  console.log(`\n# ---- ${suite.name}: ${suite.what}`);
  const before = snapshot();
  const result = await suite.run(tag);
  report.counts = add(report.counts, result.counts);
  report.failures.push(...result.failures);
  report.skips.push(...result.skips);
  console.log(
    `# ---- ${suite.name}: ${closingLine(result.counts)} in ${result.seconds.toFixed(1)} s`,
  );

  if (suite.skipped) return;
  const leaks = await leaksSince(before, tag);
  for (const pid of processesOf(tag)) process.kill(pid, 'SIGKILL');
  const title = `${suite.name}: leaves the machine as it was`;
  console.log(`${leaks.length === 0 ? 'ok' : 'not ok'} - ${title}`);
  for (const leak of leaks) console.log(`  left behind: ${leak}`);
  if (leaks.length > 0) console.log('  (or somebody else was at work on this machine meanwhile)');
  report.counts = add(report.counts, {
    ...NOTHING,
    [leaks.length === 0 ? 'passed' : 'failed']: 1,
  });
  if (leaks.length > 0) report.failures.push(`${title}: ${leaks.join('; ')}`);
}

function versions(): string {
  const clang = spawnSync('clang', ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0];
  return `kernel ${release()}, node ${process.version}, ${clang ?? 'no clang'}`;
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error('the tests make network namespaces and load BPF programs: run them as root');
  }
  console.log(`# ${versions()}`);
  const report: Report = { counts: NOTHING, failures: [], skips: [] };
  for (const suite of runnables(process.argv.slice(2))) await runAndCheck(suite, report);

  console.log('');
  for (const skip of report.skips) console.log(`skipped: ${skip}`);
  for (const failure of report.failures) console.log(`failed: ${failure}`);
  const { counts } = report;
  if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
  console.log(closingLine(counts));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  console.log(closingLine({ ...NOTHING, failed: 1 }));
  process.exitCode = 1;
});
