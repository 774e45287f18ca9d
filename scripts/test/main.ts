/**
 * Runs the suites named on the command line, or all, in private namespaces, and checks each for leaks. The
 * last line is `N passed, N failed, N skipped`.
 */

import { spawnSync } from 'node:child_process';
import { availableParallelism, release } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GUESTS, runGuests, withGuests } from '../kernels/suite.js';
import { endAll, runInPlace } from './isolated-suite.js';
import { type Job, runInLanes } from './lanes.js';
import { whyNotPrivate } from './private-namespaces.js';
import type { SuiteResult } from './run.js';
import { suites } from './suites.js';
import { add, closingLine, NOTHING } from './tap.js';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Suites that run side by side: more would only wait for the kernel's single lock of all devices. */
const LANES = 2;

/** A job with a name: a suite, or the guests. */
function job(
  name: string,
  what: string,
  when: Pick<Job<SuiteResult>, 'quiet' | 'beside'>,
  run: (print: (line: string) => void) => Promise<SuiteResult>,
): Job<SuiteResult> {
  return {
    ...when,
    async run(print) {
      print(`\n# ---- ${name}: ${what}`);
      const result = await run(print);
      const seconds = result.seconds.toFixed(1);
      print(`# ---- ${name}: ${closingLine(result.counts)} in ${seconds} s`);
      return result;
    },
  };
}

function jobs(only: readonly string[], alone: boolean): Job<SuiteResult>[] {
  const named = only.filter((name) => name !== GUESTS);
  const folders = only.length > 0 && named.length === 0 ? [] : suites(root, named);
  const all = folders.map((suite) =>
    job(suite.name, `${suite.files.length} files`, { quiet: suite.quiet }, (print) =>
      runInPlace(root, suite, alone, print),
    ),
  );
  if (!withGuests(only, process.env)) return all;
  const what = 'the oldest and the newest kernel';
  const when = { quiet: false, beside: true };
  return [...all, job(GUESTS, what, when, (print) => runGuests(root, print))];
}

function lanes(alone: boolean): number {
  if (!alone) return 1;
  const asked = Number(process.env.DPCTL_TEST_LANES ?? LANES);
  return Math.max(1, Math.min(asked || LANES, availableParallelism()));
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
  const crowded = whyNotPrivate(root);
  const warning = `WARNING: this machine gives the suites no namespaces of their own: ${crowded}
# WARNING: what others do here meanwhile may be taken for a leak, and one suite runs at a time`;
  if (crowded !== undefined) console.log(`# ${warning}`);
  const alone = crowded === undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      endAll();
      process.exit(130);
    });
  }
  const results = await runInLanes(jobs(process.argv.slice(2), alone), lanes(alone), console.log);

  console.log('');
  if (crowded !== undefined) console.log(`# ${warning}`);
  for (const skip of results.flatMap(({ skips }) => skips)) console.log(`skipped: ${skip}`);
  for (const failure of results.flatMap(({ failures }) => failures)) {
    console.log(`failed: ${failure}`);
  }
  const counts = results.reduce((sum, result) => add(sum, result.counts), NOTHING);
  if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
  console.log(closingLine(counts));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  console.log(closingLine({ ...NOTHING, failed: 1 }));
  process.exitCode = 1;
});
