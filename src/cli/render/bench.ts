/** A run of `bench` as tables. */

import type {
  BenchResult,
  FigureResult,
  GoalResult,
  Noise,
  SubjectResult,
} from '../../api/bench.js';
import { digits, SAYS } from '../../bench/report/format.js';
import { printable } from '../output.js';
import { FIGURE, type FigureRow, GOAL, type GoalRow, MOVE } from '../schemas/bench.js';
import type { Schema } from '../schemas/schema.js';
import { tableLines } from './table.js';

type Bold = (text: string) => string;

function intervalText({ low, high }: { readonly low: number; readonly high: number }): string {
  return `${digits(low)}-${digits(high)}`;
}

/** All of a run, for a terminal. */
export function benchText(result: BenchResult, bold: Bold): string {
  const suites = [...new Set(result.figures.map(({ suite }) => suite))];
  return [
    machineText(result),
    ...suites.map((suite) =>
      part(
        suite,
        FIGURE,
        result.figures.filter((figure) => figure.suite === suite).flatMap(figureRows),
        bold,
      ),
    ),
    part('goals', GOAL, result.goals.map(goalRow), bold),
    listText('left out', result.skipped.map(skippedLine), bold),
    listText(
      'failed',
      result.failures.map(({ what, subject, message }) => `${what}, ${subject}: ${message}`),
      bold,
    ),
    comparisonText(result, bold),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

function machineText({ machine, noise, dpctl, quick, seconds }: BenchResult): string {
  const { kernel, cpu, cpus, memory, virtual, mitigations } = machine;
  const listened = (when: string, { load, busy, stolen }: Noise): string =>
    `${when}: ${percent(busy)} busy, ${percent(stolen)} stolen, load ${load.toFixed(1)}`;
  const lines = [
    `dpctl ${dpctl}, kernel ${kernel}, ${cpus} x ${cpu}${virtual ? ' (virtual)' : ''}, ${memory} MB, mitigations ${mitigations}`,
    `${quick ? 'quick run' : 'full run'} of ${seconds} s; the machine ${listened('before', noise.before)}; ${listened('after', noise.after)}`,
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function figureRows({ id, unit, subjects, ratios }: FigureResult): FigureRow[] {
  return subjects.flatMap((subject: SubjectResult) => {
    const { name, median, spread } = subject;
    const first = { figure: id, subject: name, median, unit };
    const base = { ...first, spread: percent(spread) };
    const own = ratios.filter(({ of }) => of === name);
    if (own.length === 0) return [base];
    return own.map((ratio) => ({
      ...base,
      against: ratio.to,
      ratio: ratio.ratio,
      interval: intervalText(ratio),
      says: SAYS[ratio.verdict],
    }));
  });
}

function goalRow(goal: GoalResult): GoalRow {
  const { text, value, reached } = goal;
  return { reached, goal: text, found: value, interval: intervalText(goal) };
}

function skippedLine({ what, why, hint }: BenchResult['skipped'][number]): string {
  return `${what}: ${why}${hint === '' ? '' : `; try: ${hint}`}`;
}

function comparisonText({ compared }: BenchResult, bold: Bold): string {
  if (compared === undefined) return '';
  const { started, notes, moved } = compared;
  const rows = moved
    .filter(({ verdict }) => verdict !== 'none')
    .map(({ verdict, figure, of, to, before, after, unit }) => ({
      ...{ says: SAYS[verdict], figure, subject: of, against: to },
      ...{ before, after, unit },
    }));
  const title = `moved since ${started}`;
  const same = `${bold(title)}\nnothing, of ${moved.length} figures\n`;
  const warned = notes.map((note) => `note: ${printable(note)}\n`).join('');
  return `${rows.length === 0 ? same : part(title, MOVE, rows, bold)}${warned}`;
}

function part<Row extends object>(
  title: string,
  schema: Schema<Row>,
  rows: readonly NoInfer<Row>[],
  bold: Bold,
): string {
  if (rows.length === 0) return '';
  const table = tableLines(schema.columns, rows, (text) => text.length, bold);
  return `${bold(title)}\n${table.head()}${table.lines(rows)}`;
}

function listText(title: string, lines: readonly string[], bold: Bold): string {
  if (lines.length === 0) return '';
  return `${bold(title)}\n${lines.map((line) => `${printable(line)}\n`).join('')}`;
}
