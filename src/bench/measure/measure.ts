/** Types with which suites describe measurements. */
import type { FigureSpec } from '../../api/bench.js';

/** Values of one sample, by figure id. */
export type Readings = Readonly<Record<string, number>>;

/** A measured implementation. */
export interface Subject {
  readonly name: string;
  /** Take one sample. */
  sample(): Promise<Readings>;
}

/** A measurement that is taken from every subject in every round. */
export interface Measure {
  /** Title in the progress output. */
  readonly title: string;
  readonly figures: readonly FigureSpec[];
  readonly subjects: readonly Subject[];
  /** Subjects to compare, by name: dpctl with the bridge. */
  readonly pairs: readonly (readonly [of: string, to: string])[];
  /** Approximate seconds per sample. */
  readonly seconds: number;
  /** Overrides the rounds of the run, for samples that take long or vary little. */
  readonly rounds?: number;
  /** false: skip the warm-up, since the first sample does not differ from the others. */
  readonly warmUp?: boolean;
}

/** Number and duration of samples. */
export interface Effort {
  readonly quick: boolean;
  readonly rounds: number;
  /** Seconds of traffic per sample. */
  readonly seconds: number;
}

/** Effort of a full run, and of a quick one that takes less than three minutes. */
export const EFFORT: Readonly<Record<'full' | 'quick', Effort>> = {
  full: { quick: false, rounds: 9, seconds: 1 },
  quick: { quick: true, rounds: 3, seconds: 0.5 },
};
