/** Runs a suite in a process of its own, and in private namespaces if the machine allows it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { privateCommand } from './private-namespaces.js';
import type { SuiteResult } from './run.js';
import type { Suite } from './suites.js';
import { NOTHING } from './tap.js';

/** For the snapshots around a suite, which has a time-out of its own. */
const EXTRA_SECONDS = 120;

const running = new Map<ChildProcess, NodeJS.Signals>();

/**
 * Run a suite and check what it leaves behind.
 * @param root the repository's folder
 * @param suite which one
 * @param alone whether it gets private namespaces
 * @param print receives its output line by line
 */
export async function runInPlace(
  root: string,
  suite: Suite,
  alone: boolean,
  print: (line: string) => void,
): Promise<SuiteResult> {
  if (suite.skip !== undefined) {
    print(`ok - ${suite.name} # SKIP ${suite.skip}`);
    const skips = [`${suite.name}: ${suite.skip}`];
    return { counts: { ...NOTHING, skipped: 1 }, failures: [], skips, seconds: 0 };
  }
  const started = Date.now();
  const inside = join(dirname(fileURLToPath(import.meta.url)), 'suite-process.js');
  const own = [process.execPath, inside, suite.name, `${process.pid}-${suite.name}`] as const;
  const [command, ...args] = alone ? privateCommand(root, own) : own;
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  // The init process of namespaces receives no other signal from inside, and all of them end with it.
  running.set(child, alone ? 'SIGKILL' : 'SIGTERM');
  const timer = setTimeout(
    () => child.kill(running.get(child)),
    (suite.timeoutSeconds + EXTRA_SECONDS) * 1000,
  );
  const [, out, err, result] = child.stdio;
  for (const stream of [out, err]) if (stream) createInterface({ input: stream }).on('line', print);
  let answer = '';
  result?.on('data', (chunk) => {
    answer += String(chunk);
  });
  const code = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit, signal) => resolve(exit ?? signal ?? 'unknown'));
  });
  clearTimeout(timer);
  running.delete(child);
  if (answer !== '') return JSON.parse(answer) as SuiteResult;
  const why = `${suite.name}: ended with ${code} before it had a result`;
  print(`not ok - ${why}`);
  const seconds = (Date.now() - started) / 1000;
  return { counts: { ...NOTHING, failed: 1 }, failures: [why], skips: [], seconds };
}

/** End all running suites with their children. */
export function endAll(): void {
  for (const [child, signal] of running) child.kill(signal);
}
