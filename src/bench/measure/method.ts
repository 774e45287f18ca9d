/**
 * Statistical method: the order of measurements, and the evaluation of samples. No I/O. Random numbers are
 * seeded, so that results can be recomputed from the samples.
 */
import type { Better, Interval, Ratio, Reached, Verdict } from '../../api/bench.js';

/** Minimum number of pairs for an estimate of their variation. */
const LEAST_ROUNDS = 3;

const RESAMPLES = 2000;
/** Confidence level of intervals, if the rounds are independent and identically distributed. */
const CONFIDENCE = 0.95;

/**
 * Seeded generator of pseudo-random numbers from 0 to 1 (mulberry32, public domain). Good enough for
 * resampling only.
 */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Order of the subjects in a round. Over 2n rounds each of n subjects has each position twice. Every second
 * round is reversed, so that no subject always follows the same one.
 */
export function rotated<T>(subjects: readonly T[], round: number): T[] {
  const count = subjects.length;
  if (count === 0) return [];
  const start = Math.floor(round / 2) % count;
  const turned = [...subjects.slice(start), ...subjects.slice(0, start)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** Median; NaN for an empty list. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Quantile with linear interpolation (the default of R and NumPy); NaN for an empty list.
 * @param share from 0 to 1
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Variation of values: half the interquartile range, as a share of the median. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (!(middle > 0)) return 0;
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / middle;
}

/**
 * Confidence interval of the median (percentile bootstrap). With few values it is the whole range of values,
 * as intended.
 */
export function bootstrap(values: readonly number[], seed = 1): Interval {
  const random = seeded(seed);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] as number)),
  );
  const tail = (1 - CONFIDENCE) / 2;
  return { low: quantile(medians, tail), high: quantile(medians, 1 - tail) };
}

/**
 * Ratio of two subjects, paired by round: a disturbance of the machine affects both values of a pair, so the
 * ratio varies less than either value. Rounds in which a value is missing or not positive are skipped.
 * @returns undefined if no round is left
 */
export function pairedRatio(
  of: readonly (number | undefined)[],
  to: readonly (number | undefined)[],
  seed = 1,
): Ratio | undefined {
  const ratios = of.flatMap((value, round) => {
    const base = to[round];
    return value !== undefined && base !== undefined && value > 0 && base > 0 ? [value / base] : [];
  });
  if (ratios.length === 0) return undefined;
  return { ratio: median(ratios), ...bootstrap(ratios, seed), rounds: ratios.length };
}

/** Whether a ratio is significantly better or worse than 1. */
export function verdictOf(
  { low, high, rounds }: Pick<Ratio, 'low' | 'high' | 'rounds'>,
  better: Better,
): Verdict {
  if (rounds < LEAST_ROUNDS || (low <= 1 && high >= 1)) return 'none';
  return low > 1 === (better === 'higher') ? 'better' : 'worse';
}

/**
 * Compare an interval with a bound.
 * @param kind `least`: the value must be at least the bound; `most`: at most
 */
export function reached({ low, high }: Interval, kind: 'least' | 'most', bound: number): Reached {
  const [worst, best] = kind === 'least' ? [low, high] : [-high, -low];
  const wanted = kind === 'least' ? bound : -bound;
  if (worst >= wanted) return 'yes';
  return best < wanted ? 'no' : 'unsure';
}

/**
 * Whether a figure changed between two runs: the intervals do not overlap, and differ by more than a minimum
 * share, since two runs also differ by chance.
 * @param least minimum change as a share: 0.05 is five percent
 */
export function moved(
  before: Interval & { readonly value: number },
  after: Interval & { readonly value: number },
  better: Better,
  least: number,
): Verdict {
  const apart = after.low > before.high || after.high < before.low;
  const change = after.value / before.value;
  const enough = change > 1 + least || change < 1 / (1 + least);
  if (!apart || !enough) return 'none';
  return change > 1 === (better === 'higher') ? 'better' : 'worse';
}
