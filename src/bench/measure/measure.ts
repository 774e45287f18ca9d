/** What is measured: the vocabulary that suites describe their figures in. */
import type { FigureSpec } from '../../api/bench.js';

/** Numbers of one sample by the id of their figure. */
export type Readings = Readonly<Record<string, number>>;

/** Who is measured. */
export interface Subject {
  readonly name: string;
  /** Measure once. */
  sample(): Promise<Readings>;
}

/** One thing that is done with every subject in turn, round by round. */
export interface Measure {
  /** What is done, for the progress. */
  readonly title: string;
  readonly figures: readonly FigureSpec[];
  readonly subjects: readonly Subject[];
  /** Who is put in relation to whom, by name: dpctl to the bridge. */
  readonly pairs: readonly (readonly [of: string, to: string])[];
  /** Seconds that one sample takes, about. */
  readonly seconds: number;
  /** Other than the run's, for what takes long or scatters little. */
  readonly rounds?: number;
  /** false: the first sample is as good as the others. */
  readonly warmUp?: boolean;
}

/** How long and how often. */
export interface Effort {
  readonly quick: boolean;
  readonly rounds: number;
  /** Seconds of traffic in one sample. */
  readonly seconds: number;
}

/** The full run, and one of less than three minutes. */
export const EFFORT: Readonly<Record<'full' | 'quick', Effort>> = {
  full: { quick: false, rounds: 9, seconds: 1 },
  quick: { quick: true, rounds: 3, seconds: 0.5 },
};
