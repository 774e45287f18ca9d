/**
 * Runs one suite in its namespaces, and checks that it leaves them unchanged. Its output goes to stdout,
 * the result as one line of JSON to descriptor 3.
 */

import { writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leaksSince, processesBeside, processesOf, snapshot } from './leaks.js';
import { isPrivate } from './private-namespaces.js';
import { runSuite, type SuiteResult } from './run.js';
import { suites } from './suites.js';
import { add, NOTHING } from './tap.js';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const RESULT_FD = 3;

/** The result with one more test: whether everything is unchanged. */
function withLeaks(name: string, result: SuiteResult, leaks: readonly string[]): SuiteResult {
  const title = `${name}: leaves the machine as it was`;
  console.log(`${leaks.length === 0 ? 'ok' : 'not ok'} - ${title}`);
  for (const leak of leaks) console.log(`  left behind: ${leak}`);
  if (leaks.length === 0) {
    return { ...result, counts: add(result.counts, { ...NOTHING, passed: 1 }) };
  }
  if (!isPrivate()) console.log('  (or somebody else was at work on this machine meanwhile)');
  return {
    ...result,
    counts: add(result.counts, { ...NOTHING, failed: 1 }),
    failures: [...result.failures, `${title}: ${leaks.join('; ')}`],
  };
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function main(name: string, tag: string): Promise<void> {
  const [suite] = suites(root, [name]);
  if (!suite) throw new Error(`no suite ${name}`);
  const before = snapshot();
  const result = await runSuite(root, suite, tag);
  const left = isPrivate() ? processesBeside : (): number[] => processesOf(tag);
  const leaks = await leaksSince(before, left);
  for (const pid of left()) end(pid);
  writeSync(RESULT_FD, `${JSON.stringify(withLeaks(name, result, leaks))}\n`);
}

const [name, tag] = process.argv.slice(2);
if (name === undefined || tag === undefined) throw new Error('which suite, under which tag?');
await main(name, tag);
