/** What may be concluded from the samples of a run. */
import type { FigureResult, FigureSpec, Suite } from '../../api/bench.js';
import type { Measure } from '../measure/measure.js';
import { bootstrap, median, pairedRatio, spread, verdictOf } from '../measure/method.js';

/** Samples by round of one subject; undefined where it failed. */
export type Samples = ReadonlyMap<string, readonly (number | undefined)[]>;

/**
 * Conclude from the samples of one figure. Subjects that have none are left out.
 * @param pairs who is put in relation to whom
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
