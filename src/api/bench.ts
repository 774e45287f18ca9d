/** What `bench` gives: one document of a whole run. */
import type { FORMATS } from './version.js';

/** The parts of a run, in their order. */
export const SUITES = ['control', 'program', 'same-node', 'overlay'] as const;

export type Suite = (typeof SUITES)[number];

/** Whether more or less of a figure is better. */
export type Better = 'higher' | 'lower';

/** Bounds of what the data leaves possible. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A figure of one subject against that of another, over rounds that were measured side by side. */
export interface Ratio extends Interval {
  /** Median of the rounds' ratios. */
  readonly ratio: number;
  readonly rounds: number;
}

/** What a ratio says. `none`: the interval holds 1, or there are too few rounds for one. */
export type Verdict = 'better' | 'worse' | 'none';

/** Whether a goal is reached: `unsure` where the interval holds the bound. */
export type Reached = 'yes' | 'no' | 'unsure';

/** What a reader must know to compare. */
export interface Machine {
  readonly kernel: string;
  readonly cpu: string;
  readonly cpus: number;
  /** MB. */
  readonly memory: number;
  /** A guest's time is not all its own. */
  readonly virtual: boolean;
  /** What the kernel does against the CPU's own faults costs every system call. */
  readonly mitigations: string;
  readonly node: string;
}

/** How quiet the machine was. Shares are of all CPUs, 0 to 1. */
export interface Noise {
  /** Processes that wanted to run, over a minute. */
  readonly load: number;
  /** CPU that others used while nothing was measured. */
  readonly busy: number;
  /** Time that the hypervisor gave to others. */
  readonly stolen: number;
}

/** One number that comes out of a measurement. */
export interface FigureSpec {
  /** Stable for ever, since runs are compared by it: `udp4-64-rate`. */
  readonly id: string;
  readonly title: string;
  /** `Gb/s`, `us`, `ms`, `packets/s`, `MB` ...; empty for a share or a count. */
  readonly unit: string;
  readonly better: Better;
}

/** What could not be measured here, and what would help. */
export interface Skipped {
  readonly suite: Suite;
  readonly what: string;
  readonly why: string;
  readonly hint: string;
}

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

/** What is asked of a run. */
export interface BenchRequest {
  readonly quick?: boolean | undefined;
  /** Names of suites; all if not set or empty. */
  readonly only?: readonly string[] | undefined;
}

/** A whole run. */
export interface BenchResult {
  readonly format: typeof FORMATS.bench;
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
