/**
 * Runs the suites named on the command line, or all, one after another; checks after each that
 * the machine is as it was. The last line is `N passed, N failed, N skipped`.
 */

import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leaksSince, processesOf, snapshot } from './test/leaks.js';
import { runSuite } from './test/run.js';
import { type Suite, suites } from './test/suites.js';
import { add, type Counts, closingLine, NOTHING } from './test/tap.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

interface Report {
  counts: Counts;
  readonly failures: string[];
  readonly skips: string[];
}

async function runAndCheck(suite: Suite, report: Report): Promise<void> {
  const tag = `${process.pid}-${suite.name}`;
  console.log(`\n# ---- ${suite.name}: ${suite.files.length} files`);
  const before = snapshot();
  const result = await runSuite(root, suite, tag);
  report.counts = add(report.counts, result.counts);
  report.failures.push(...result.failures);
  report.skips.push(...result.skips);
  console.log(
    `# ---- ${suite.name}: ${closingLine(result.counts)} in ${result.seconds.toFixed(1)} s`,
  );

  if (suite.skip !== undefined) return;
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
  for (const suite of suites(root, process.argv.slice(2))) await runAndCheck(suite, report);

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
