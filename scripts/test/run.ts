/** Runs one suite and prints all of its output. Not for a suite with a reason to be skipped. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Suite } from './suites.js';
import { type Counts, count, NOTHING, parseTapLine } from './tap.js';

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The result of a suite, and the lines to repeat at the end. */
export interface SuiteResult {
  readonly counts: Counts;
  readonly failures: readonly string[];
  readonly skips: readonly string[];
  readonly seconds: number;
}

/**
 * Run a suite under ava in a process group of its own, which is ended as a whole at the suite's time-out.
 * Each of these is a failure: a failed test, a suite that ran no test, an exit code that no test explains.
 * @param root the repository's folder
 * @param suite which one
 * @param tag value of DPCTL_TEST_RUN: every process that the suite leaves behind carries it
 */
export async function runSuite(root: string, suite: Suite, tag: string): Promise<SuiteResult> {
  const started = Date.now();
  let counts = NOTHING;
  const failures: string[] = [];
  const skips: string[] = [];
  const fail = (why: string): void => {
    console.log(`not ok - ${suite.name}: ${why}`);
    failures.push(`${suite.name}: ${why}`);
    counts = { ...counts, failed: counts.failed + 1 };
  };

  if (suite.files.length > 0) {
    const ended = await runAva(root, suite, tag, (line) => {
      console.log(line);
      const result = parseTapLine(line);
      if (!result) return;
      counts = count(counts, result);
      if (result.outcome === 'failed') failures.push(`${suite.name}: ${result.title}`);
      if (result.outcome === 'skipped') skips.push(`${suite.name}: ${result.title}`);
    });
    if (ended.timedOut) fail(`not finished after ${suite.timeoutSeconds} s`);
    else if (ended.code !== 0 && counts.failed === 0) fail(`ava ended with ${ended.code}`);
  }
  if (counts.passed + counts.failed + counts.skipped === 0) fail('ran no test');
  return { counts, failures, skips, seconds: (Date.now() - started) / 1000 };
}

async function runAva(
  root: string,
  suite: Suite,
  tag: string,
  onLine: (line: string) => void,
): Promise<{ code: number | string; timedOut: boolean }> {
  const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs');
  const options = ['--tap', ...(suite.serial ? ['--serial'] : []), ...(suite.options ?? [])];
  const child = spawn(process.execPath, [ava, ...options, ...suite.files], {
    cwd: root,
    env: { ...process.env, ...suite.env, DPCTL_TEST_RUN: tag },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (child.pid !== undefined) endGroup(child.pid);
  }, suite.timeoutSeconds * 1000);
  const interrupt = (): void => {
    if (child.pid !== undefined) endGroup(child.pid);
    process.exit(130);
  };
  for (const signal of INTERRUPTS) process.once(signal, interrupt);
  createInterface({ input: child.stdout }).on('line', onLine);
  const code = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit, signal) => resolve(exit ?? signal ?? 'unknown'));
  });
  clearTimeout(timer);
  for (const signal of INTERRUPTS) process.off(signal, interrupt);
  return { code, timedOut };
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
