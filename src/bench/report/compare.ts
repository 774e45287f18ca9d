/** Comparison of two runs: which figures of dpctl changed. */
import type { BenchResult, Comparison, FigureResult, Interval, Move } from '../../api/bench.js';
import { moved } from '../measure/method.js';

/** Minimum change, as a share: two runs of the same build differ by up to this on a machine in use. */
const LEAST_CHANGE = 0.05;

interface Value extends Interval {
  readonly of: string;
  /** Reference subject of a ratio; empty for the figure itself. */
  readonly to: string;
  readonly value: number;
}

/**
 * Compare an earlier run with a later one. If a figure has ratios to other subjects, the ratios are compared,
 * because they depend less on the state of the machine.
 */
export function compare(before: BenchResult, after: BenchResult): Comparison {
  const moves = after.figures.flatMap((figure): Move[] => {
    const old = before.figures.find(({ suite, id }) => suite === figure.suite && id === figure.id);
    if (old === undefined) return [];
    const olds = valuesOf(old);
    return valuesOf(figure).flatMap((now) => {
      const then = olds.find(({ of, to }) => of === now.of && to === now.to);
      if (then === undefined) return [];
      const { suite, id, title, unit, better } = figure;
      const verdict = moved(then, now, better, LEAST_CHANGE);
      const place = { suite, figure: id, title, unit: now.to === '' ? unit : 'x' };
      return { ...place, of: now.of, to: now.to, before: then.value, after: now.value, verdict };
    });
  });
  return { started: before.started, notes: notesOf(before, after), moved: moves };
}

function valuesOf({ about, subjects, ratios }: FigureResult): Value[] {
  if (ratios.length > 0) {
    return ratios.map(({ of, to, ratio, low, high }) => ({ of, to, value: ratio, low, high }));
  }
  return subjects
    .filter(({ name }) => about.includes(name))
    .map(({ name, median, low, high }) => ({ of: name, to: '', value: median, low, high }));
}

/** Differences between the runs that limit the comparison. */
function notesOf(before: BenchResult, after: BenchResult): string[] {
  const keys = ['kernel', 'cpu', 'cpus', 'mitigations', 'node'] as const;
  const machine = keys
    .filter((key) => before.machine[key] !== after.machine[key])
    .map((key) => `${key}: ${before.machine[key]} then, ${after.machine[key]} now`);
  const effort = before.quick === after.quick ? [] : ['one of the two was a quick run'];
  return [...machine, ...effort];
}
