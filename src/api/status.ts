/** Result rows of `status`. */
import type { Hint } from '../../loader/hint.js';

/** A problem that `status` found. */
export interface Problem {
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  /** Command that repairs it. */
  readonly fix: Hint;
}

/** A problem with its fix as text. */
export interface ProblemRow extends Omit<Problem, 'fix'> {
  readonly fix: string;
}

/** A fact about the node, not a problem. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

export interface StatusReport {
  readonly healthy: boolean;
  readonly problems: readonly Problem[];
  readonly facts: readonly Fact[];
}

/** A kernel feature that dpctl uses, and whether the running kernel supports it. */
export interface FeatureRow {
  readonly feature: string;
  readonly here: boolean;
  readonly required: boolean;
  /** Version of Linux that introduced it. */
  readonly since: string;
  /** Behaviour of dpctl without it. */
  readonly without: string;
}
