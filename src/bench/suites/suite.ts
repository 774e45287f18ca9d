/** Definition of a suite: requirements, setup, measures and goals. */

import { DpctlError } from '../../../loader/errors.js';
import type { Setting, Skipped, Suite } from '../../api/bench.js';
import { hintText } from '../../model/hint.js';
import type { Goal } from '../measure/goals.js';
import type { Effort, Measure } from '../measure/measure.js';
import type { Program } from '../subjects/node.js';
import type { Sandbox } from '../subjects/sandbox.js';

/** Context of the setup of a suite. */
export interface SuiteContext {
  readonly sandbox: Sandbox;
  readonly effort: Effort;
  readonly program: Program;
  /** Report a measurement that is not possible on this machine. */
  skip(skipped: Omit<Skipped, 'suite'>): void;
}

/** A suite after its setup. */
export interface OpenSuite {
  readonly measures: readonly Measure[];
  /** Settings that are equal for all subjects, and results of checks before the measurement. */
  readonly settings: readonly Omit<Setting, 'suite'>[];
}

/** Specification of a suite. */
export interface SuiteSpec {
  readonly name: Suite;
  readonly goals: readonly Goal[];
  /** Approximate duration in seconds, to estimate the remaining time before setup. */
  readonly seconds: { readonly quick: number; readonly full: number };
  open(context: SuiteContext): Promise<OpenSuite>;
}

/**
 * Set up measures that are skipped if the machine lacks a requirement.
 * @returns no measures in that case
 */
export async function optional(
  skip: SuiteContext['skip'],
  what: string,
  make: () => Promise<Measure[]>,
): Promise<Measure[]> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof DpctlError) || error.code !== 'BENCH_NEEDS') throw error;
    skip({ what, why: error.message, hint: hintText(error.hint) });
    return [];
  }
}
