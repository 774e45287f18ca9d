/** The bench command: one short run for all of its output. Times are not judged. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { FigureResult } from '../../src/api/bench.js';
import { readResult } from '../../src/bench/report/schema.js';
import { DPCTL, run } from '../system/helpers/lab.js';
import { runOf } from './helpers.js';

const dpctl = (...args: readonly string[]) =>
  run([process.execPath, DPCTL, 'bench', ...args], { timeout: 280_000 });

test.serial(
  'a run prints a document that it can read again, and reports what got worse',
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), `dpctl-bench-${process.pid}-`));
    t.teardown(() => rmSync(dir, { recursive: true }));
    const before = join(dir, 'before.json');
    // A program of one instruction: any program loaded now is larger.
    const small = { name: 'endpoint', samples: [1], median: 1, low: 1, high: 1, spread: 0 };
    const figure: FigureResult = {
      ...{ id: 'insns-xlated', title: 'instructions', unit: '', about: ['endpoint'] },
      suite: 'program',
      better: 'lower',
      subjects: [small],
      ratios: [],
    };
    writeFileSync(before, JSON.stringify(runOf([figure])));
    const html = join(dir, 'report.html');
    const args = [
      '--quick',
      '--only',
      'program',
      '--html',
      html,
      '--compare',
      before,
      '-o',
      'json',
    ];
    const { code, stdout, stderr } = await dpctl(...args);
    t.is(code, 4, stderr);

    const after = join(dir, 'after.json');
    writeFileSync(after, stdout);
    const result = readResult(after);
    t.true(result.quick);
    t.deepEqual(result.failures, []);
    t.deepEqual([...new Set(result.figures.map(({ suite }) => suite))], ['program']);
    const costs = result.figures.find(({ id }) => id === 'path-cost')?.subjects ?? [];
    t.true(costs.length >= 6 && costs.every(({ samples }) => samples.length === 3));
    t.true(result.goals.some(({ text }) => text.includes('60 ns')));
    const [move] = result.compared?.moved ?? [];
    t.like(move, { figure: 'insns-xlated', of: 'endpoint', before: 1, verdict: 'worse' });

    t.true(readFileSync(html, 'utf8').includes('Moved since'));
    // Without a terminal, a line for each figure and no animation.
    t.regex(stderr, /^program path-cost: /m);
    t.notRegex(stderr, new RegExp(String.fromCharCode(27)));
  },
);

for (const [args, said] of [
  [['--only', 'moon'], /error\[SUITE_UNKNOWN\].*moon[\s\S]*same-node/],
  [['--compare', '/nowhere.json'], /error\[BENCH_FILE\].*\/nowhere\.json/],
  [['--html', '/nowhere/report.html'], /error\[BENCH_FILE\].*\/nowhere\/report\.html/],
] as const) {
  test.serial(`bench ${args.join(' ')} is refused before anything is measured`, async (t) => {
    const { code, stdout, stderr } = await dpctl(...args);
    t.is(code, 1);
    t.is(stdout, '');
    t.regex(stderr, said);
  });
}
