/** What `status` gives. */
import type { Hint } from '../../loader/hint.js';

/** Something that status found wrong. */
export interface Problem {
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  /** A command that repairs it. */
  readonly fix: Hint;
}

/** A problem as it is shown. */
export interface ProblemRow extends Omit<Problem, 'fix'> {
  readonly fix: string;
}

/** Something worth knowing. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

export interface StatusReport {
  readonly healthy: boolean;
  readonly problems: readonly Problem[];
  readonly facts: readonly Fact[];
}

/** A feature that dpctl uses, and the kernel that runs. */
export interface FeatureRow {
  readonly feature: string;
  readonly here: boolean;
  readonly required: boolean;
  /** The version of Linux that had it first. */
  readonly since: string;
  /** What dpctl does without it. */
  readonly without: string;
}
