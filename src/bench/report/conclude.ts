/** Evaluation of the samples of a run. */
import type { FigureResult, FigureSpec, Suite } from '../../api/bench.js';
import type { Measure } from '../measure/measure.js';
import { bootstrap, median, pairedRatio, spread, verdictOf } from '../measure/method.js';

/** Samples of each subject, one per round; undefined if a sample failed. */
export type Samples = ReadonlyMap<string, readonly (number | undefined)[]>;

/**
 * Evaluate the samples of a figure. Subjects without samples are omitted.
 * @param pairs subjects to compare
 */
export function concludeFigure(
  suite: Suite,
  { id, title, unit, better }: FigureSpec,
  samples: Samples,
  pairs: Measure['pairs'],
): FigureResult {
  const subjects = [...samples].flatMap(([name, values]) => {
    const taken = values.filter((value) => value !== undefined);
    if (taken.length === 0) return [];
    return {
      name,
      samples: values.map((value) => value ?? null),
      median: median(taken),
      ...bootstrap(taken),
      spread: spread(taken),
    };
  });
  const ratios = pairs.flatMap(([of, to]) => {
    const ratio = pairedRatio(samples.get(of) ?? [], samples.get(to) ?? []);
    return ratio === undefined ? [] : [{ of, to, ...ratio, verdict: verdictOf(ratio, better) }];
  });
  const ours = new Set(pairs.map(([of]) => of));
  const about = subjects
    .map(({ name }) => name)
    .filter((name) => ours.size === 0 || ours.has(name));
  return { suite, id, title, unit, better, about, subjects, ratios };
}
