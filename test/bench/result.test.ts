/** Conclusions from samples: figures, goals, and changes between two runs. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { DpctlError } from '../../loader/errors.js';
import { judge } from '../../src/bench/measure/goals.js';
import { compare } from '../../src/bench/report/compare.js';
import { readResult, resultSchema } from '../../src/bench/report/schema.js';
import { figureOf, runOf } from './helpers.js';

const PAIR = [['dpctl', 'bridge']] as const;
const around = (value: number): number[] => [0.99, 1, 1.01, 1, 0.995].map((part) => part * value);

test('a figure has the median of each subject and the paired ratio', (t) => {
  const figure = figureOf({ bridge: around(100), dpctl: around(130) }, PAIR);
  t.deepEqual(
    figure.subjects.map(({ name, median }) => [name, median]),
    [
      ['bridge', 100],
      ['dpctl', 130],
    ],
  );
  t.is(figure.ratios[0]?.ratio, 1.3);
  t.is(figure.ratios[0]?.verdict, 'better');
  t.deepEqual(figure.about, ['dpctl']);
});

test('a subject without samples is left out, and a failed sample stays missing', (t) => {
  const figure = figureOf({ bridge: [undefined, undefined], dpctl: [1, undefined] }, PAIR);
  t.deepEqual(
    figure.subjects.map(({ name, samples }) => [name, samples]),
    [['dpctl', [1, null]]],
  );
  t.deepEqual(figure.ratios, []);
});

test('goals are judged by the figure itself, or by the ratio', (t) => {
  const figures = [
    figureOf({ bridge: around(100), dpctl: around(130) }, PAIR),
    figureOf({ dpctl: around(70) }, [], { id: 'cost', title: 'cost', better: 'lower' }),
  ];
  const suite = 'same-node';
  const goals = judge(
    [
      { suite, figure: 'speed', of: 'dpctl', to: 'bridge', kind: 'least', bound: 1.2 },
      { suite, figure: 'speed', of: 'dpctl', to: 'bridge', kind: 'least', bound: 1.5 },
      { suite, figure: 'cost', of: 'dpctl', kind: 'most', bound: 60 },
      { suite, figure: 'cost', of: 'dpctl', kind: 'most', bound: 70 },
      { suite, figure: 'never measured', of: 'dpctl', kind: 'most', bound: 1 },
    ],
    figures,
  );
  t.deepEqual(
    goals.map(({ reached }) => reached),
    ['yes', 'no', 'no', 'unsure'],
  );
  t.is(goals[0]?.text, 'dpctl: speed at least 1.2x of bridge');
  t.is(goals[2]?.text, 'dpctl: cost at most 60 Gb/s');
});

test('figures with a ratio are compared by the ratio, on a slower machine too', (t) => {
  const before = runOf([figureOf({ bridge: around(100), dpctl: around(130) }, PAIR)]);
  const after = runOf([figureOf({ bridge: around(50), dpctl: around(65) }, PAIR)]);
  const [move] = compare(before, after).moved;
  t.is(move?.verdict, 'none');
  t.is(move?.unit, 'x');
});

test('a ratio that fell is worse, one that rose is better, the bridge itself is not ours', (t) => {
  const run = (ours: number) =>
    runOf([figureOf({ bridge: around(100), dpctl: around(ours) }, PAIR)]);
  const verdicts = (before: number, after: number) =>
    compare(run(before), run(after)).moved.map(({ of, verdict }) => [of, verdict]);
  t.deepEqual(verdicts(130, 100), [['dpctl', 'worse']]);
  t.deepEqual(verdicts(100, 130), [['dpctl', 'better']]);
  t.deepEqual(verdicts(100, 101), [['dpctl', 'none']]);
});

test('figures without a ratio are compared directly', (t) => {
  const run = (cost: number) =>
    runOf([figureOf({ 'IPv4 path': around(cost) }, [], { id: 'cost', better: 'lower' })]);
  t.is(compare(run(50), run(80)).moved[0]?.verdict, 'worse');
  t.is(compare(run(80), run(50)).moved[0]?.verdict, 'better');
});

test('a figure of only one run did not move, and another machine is reported', (t) => {
  const before = runOf([]);
  const after = runOf([figureOf({ dpctl: around(1) })], {
    machine: { ...before.machine, kernel: '6.19.0' },
    quick: false,
  });
  const { moved, notes } = compare(before, after);
  t.deepEqual(moved, []);
  t.deepEqual(notes, ['kernel: 6.18.1 then, 6.19.0 now', 'one of the two was a quick run']);
});

function withFile(t: { teardown(undo: () => void): void }, name: string, text: string): string {
  const path = join(tmpdir(), `dpctl-bench-${process.pid}-${name}`);
  writeFileSync(path, text);
  t.teardown(() => rmSync(path, { force: true }));
  return path;
}

test('a written run is read back unchanged', (t) => {
  const run = runOf([figureOf({ bridge: [1, undefined, 2], dpctl: around(3) }, PAIR)]);
  const path = withFile(t, 'good', JSON.stringify(run));
  t.deepEqual(readResult(path), run);
});

for (const [name, text, said] of [
  ['broken', '{', /no run can be read/],
  ['empty', '', /no run can be read/],
  ['other', '[]', /is no run of dpctl bench/],
  ['null', 'null', /is no run of dpctl bench/],
  ['newer', JSON.stringify({ ...runOf([]), format: 99 }), /a newer dpctl wrote it/],
  ['wrong', JSON.stringify({ ...runOf([]), seconds: 'long' }), /seconds/],
] as const) {
  test(`a file that is ${name} is refused by name`, (t) => {
    const path = withFile(t, name, text);
    const error = t.throws<DpctlError>(() => readResult(path), { message: said });
    t.is(error?.code, 'BENCH_FILE');
    t.is(error?.exitCode, 1);
    t.true(error?.message.includes(path));
  });
}

test('a missing file is refused by name', (t) => {
  t.throws(() => readResult('/nowhere/run.json'), { message: /\/nowhere\/run.json/ });
});

test('the schema in docs is the one that runs are checked by', (t) => {
  const path = new URL('../../../docs/bench.schema.json', import.meta.url);
  t.deepEqual(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(JSON.stringify(resultSchema())));
});
