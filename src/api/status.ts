/** What `status` gives. */
import type { Hint } from '../../loader/hint.js';

/** Something that status found wrong. */
export interface Problem {
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  /** A command that mends it. */
  readonly fix: Hint;
}

/** A problem as it is shown. */
export interface ProblemRow extends Omit<Problem, 'fix'> {
  readonly fix: string;
}

export interface StatusReport {
  readonly healthy: boolean;
  readonly problems: readonly Problem[];
  readonly facts: readonly { readonly name: string; readonly value: string }[];
}
