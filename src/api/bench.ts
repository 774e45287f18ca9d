/** Request and result of `bench`: one document for a whole run. */
import type { FORMATS } from './version.js';

/** The suites of a run, in the order in which they run. */
export const SUITES = ['control', 'program', 'same-node', 'overlay'] as const;

export type Suite = (typeof SUITES)[number];

/** Whether a higher or a lower value of a figure is better. */
export type Better = 'higher' | 'lower';

/** Confidence interval of a value. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Ratio of a figure between two subjects, over rounds in which both were measured. */
export interface Ratio extends Interval {
  /** Median of the ratios of all rounds. */
  readonly ratio: number;
  readonly rounds: number;
}

/** Result of a comparison. `none`: the interval contains 1, or there are too few rounds for an interval. */
export type Verdict = 'better' | 'worse' | 'none';

/** Whether a goal is reached. `unsure`: the interval contains the bound. */
export type Reached = 'yes' | 'no' | 'unsure';

/** The machine of a run, for comparison with other runs. */
export interface Machine {
  readonly kernel: string;
  readonly cpu: string;
  readonly cpus: number;
  /** Size of memory, in MB. */
  readonly memory: number;
  /** Runs under a hypervisor, which may take CPU time from it. */
  readonly virtual: boolean;
  /** Mitigations of CPU vulnerabilities, which slow down every system call. */
  readonly mitigations: string;
  readonly node: string;
}

/** Background load of the machine. Shares are of all CPUs, 0 to 1. */
export interface Noise {
  /** Load average over one minute. */
  readonly load: number;
  /** CPU time that other processes used while nothing was measured. */
  readonly busy: number;
  /** Steal time: CPU time that the hypervisor gave to other guests. */
  readonly stolen: number;
}

/** Definition of a measured value. */
export interface FigureSpec {
  /** Never changes, since it identifies the figure when runs are compared: `udp4-64-rate`. */
  readonly id: string;
  readonly title: string;
  /** `Gb/s`, `us`, `ms`, `packets/s`, `MB` ...; empty for a share or a count. */
  readonly unit: string;
  readonly better: Better;
}

/** A measurement that is not possible on this machine, and how to make it possible. */
export interface Skipped {
  readonly suite: Suite;
  readonly what: string;
  readonly why: string;
  readonly hint: string;
}

/** Samples of a figure for one subject. */
export interface SubjectResult extends Interval {
  readonly name: string;
  /** One per round; null if the sample failed. */
  readonly samples: readonly (number | null)[];
  readonly median: number;
  /** Half the interquartile range, as a share of the median. */
  readonly spread: number;
}

/** Comparison of one subject with another. */
export interface RatioResult extends Ratio {
  readonly of: string;
  readonly to: string;
  readonly verdict: Verdict;
}

/** One figure, for all subjects. */
export interface FigureResult extends FigureSpec {
  readonly suite: Suite;
  /** Names of the subjects under test; the others are references. */
  readonly about: readonly string[];
  readonly subjects: readonly SubjectResult[];
  readonly ratios: readonly RatioResult[];
}

/** A failed sample. */
export interface Failure {
  readonly suite: Suite;
  readonly what: string;
  readonly subject: string;
  readonly message: string;
}

/** A goal of the project, and whether this run reaches it. */
export interface GoalResult extends Interval {
  readonly text: string;
  readonly figure: string;
  readonly value: number;
  readonly reached: Reached;
}

/** A setting, check or observation of a suite, as text. */
export interface Setting {
  readonly suite: Suite | 'all';
  readonly name: string;
  readonly value: string;
}

/** Change of a figure of dpctl between two runs. */
export interface Move {
  readonly suite: Suite;
  readonly figure: string;
  readonly title: string;
  /** Unit of the figure; `x` for a ratio. */
  readonly unit: string;
  readonly of: string;
  /** Name of the reference subject; empty if the values are not ratios. */
  readonly to: string;
  readonly before: number;
  readonly after: number;
  readonly verdict: Verdict;
}

/** Comparison of a run with an earlier one. */
export interface Comparison {
  /** Start of the earlier run, ISO 8601 in UTC. */
  readonly started: string;
  /** Differences between the runs that limit the comparison. */
  readonly notes: readonly string[];
  readonly moved: readonly Move[];
}

/** Options of a run. */
export interface BenchRequest {
  readonly quick?: boolean | undefined;
  /** Names of the suites to run; all if not set or empty. */
  readonly only?: readonly string[] | undefined;
}

/** Result of a whole run. */
export interface BenchResult {
  readonly format: typeof FORMATS.bench;
  readonly dpctl: string;
  /** Start of the run, ISO 8601 in UTC. */
  readonly started: string;
  /** Duration of the run. */
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
