/**
 * The method, apart from anything that is measured: in which order things are measured, and what
 * may be concluded from the numbers. Pure; chance comes from a seed, so that a result can be
 * computed again from its samples.
 */
import type { Better, Interval, Ratio, Reached, Verdict } from '../../api/bench.js';

/** Fewer pairs than these say nothing about how far they scatter. */
const LEAST_ROUNDS = 3;

const RESAMPLES = 2000;
/** Of 100 intervals, so many hold the true value (as far as the rounds are alike). */
const CONFIDENCE = 0.95;

/**
 * A generator of numbers from 0 to 1 that gives the same ones for the same seed (mulberry32,
 * public domain): enough for resampling, nothing more.
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
 * The order of a round. Over 2n rounds each of n subjects takes each place twice, and every second
 * round goes backwards, so that nobody always comes after the same neighbour.
 */
export function rotated<T>(subjects: readonly T[], round: number): T[] {
  const count = subjects.length;
  if (count === 0) return [];
  const start = Math.floor(round / 2) % count;
  const turned = [...subjects.slice(start), ...subjects.slice(0, start)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** The value in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value below which a share of the values lies, between neighbours by proportion (the default
 * of R and NumPy); NaN of nothing.
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

/** How far values scatter: half the distance of the quartiles, as a share of the median. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (!(middle > 0)) return 0;
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / middle;
}

/**
 * What the median may be if the values were drawn again (percentile bootstrap). With few values it
 * reaches from the least to the greatest, which is as it should be.
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
 * One subject against another, round by round: what disturbs the machine disturbs both of a pair,
 * so a ratio of neighbours scatters less than either. Rounds in which one is missing or not
 * positive are left out.
 * @returns undefined when no round is left
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

/** What a ratio says, where more or less is better. */
export function verdictOf(
  { low, high, rounds }: Pick<Ratio, 'low' | 'high' | 'rounds'>,
  better: Better,
): Verdict {
  if (rounds < LEAST_ROUNDS || (low <= 1 && high >= 1)) return 'none';
  return low > 1 === (better === 'higher') ? 'better' : 'worse';
}

/**
 * An interval against a bound.
 * @param kind `least`: the value is to be at least the bound; `most`: at most
 */
export function reached({ low, high }: Interval, kind: 'least' | 'most', bound: number): Reached {
  const [worst, best] = kind === 'least' ? [low, high] : [-high, -low];
  const wanted = kind === 'least' ? bound : -bound;
  if (worst >= wanted) return 'yes';
  return best < wanted ? 'no' : 'unsure';
}

/**
 * Whether a figure moved between two runs: their intervals lie apart, and by more than a least
 * share, since two runs differ in more than what was changed.
 * @param least 0.05 is five percent
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
