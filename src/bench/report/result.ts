/** What a run found: samples, and what may be concluded from them. */
import type { Machine, Noise } from '../measure/machine.js';
import type { FigureSpec, Measure, Skipped, Suite } from '../measure/measure.js';
import {
  bootstrap,
  type Interval,
  median,
  pairedRatio,
  type Ratio,
  type Reached,
  spread,
  type Verdict,
  verdictOf,
} from '../measure/method.js';

/** Version of the document; a reader of runs refuses what it does not know. */
export const FORMAT = 1;

/** One subject's samples of a figure. */
export interface SubjectResult extends Interval {
  readonly name: string;
  /** By round; null where it failed. */
  readonly samples: readonly (number | null)[];
  readonly median: number;
  /** Half the distance of the quartiles, as a share of the median. */
  readonly spread: number;
}

/** One subject against another. */
export interface RatioResult extends Ratio {
  readonly of: string;
  readonly to: string;
  readonly verdict: Verdict;
}

/** One figure of all its subjects. */
export interface FigureResult extends FigureSpec {
  readonly suite: Suite;
  /** Names of the subjects that the figure is about; the others are there to compare with. */
  readonly about: readonly string[];
  readonly subjects: readonly SubjectResult[];
  readonly ratios: readonly RatioResult[];
}

/** A sample that could not be taken. */
export interface Failure {
  readonly suite: Suite;
  readonly what: string;
  readonly subject: string;
  readonly message: string;
}

/** A goal of the project and what this run says to it. */
export interface GoalResult extends Interval {
  readonly text: string;
  readonly figure: string;
  readonly value: number;
  readonly reached: Reached;
}

/** Something that was set, checked or found out for a suite, for people. */
export interface Setting {
  readonly suite: Suite | 'all';
  readonly name: string;
  readonly value: string;
}

/** A figure of dpctl's in two runs. */
export interface Move {
  readonly suite: Suite;
  readonly figure: string;
  readonly title: string;
  /** `x` for a ratio. */
  readonly unit: string;
  readonly of: string;
  /** Empty for what is in relation to nothing. */
  readonly to: string;
  readonly before: number;
  readonly after: number;
  readonly verdict: Verdict;
}

/** A run against an earlier one. */
export interface Comparison {
  /** When the earlier one began. */
  readonly started: string;
  /** What makes the two less comparable. */
  readonly notes: readonly string[];
  readonly moved: readonly Move[];
}

/** A whole run. */
export interface BenchResult {
  readonly format: typeof FORMAT;
  readonly dpctl: string;
  /** When it began, ISO 8601 in UTC. */
  readonly started: string;
  /** How long it took. */
  readonly seconds: number;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly noise: { readonly before: Noise; readonly after: Noise };
  readonly settings: readonly Setting[];
  readonly figures: readonly FigureResult[];
  readonly goals: readonly GoalResult[];
  readonly skipped: readonly Skipped[];
  readonly failures: readonly Failure[];
  readonly compared?: Comparison | undefined;
}

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
