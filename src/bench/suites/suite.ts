/** A suite: what it needs, what it makes, what it measures and what it promises. */

import { DpctlError } from '../../../loader/errors.js';
import type { Setting, Skipped, Suite } from '../../api/bench.js';
import { hintText } from '../../model/hint.js';
import type { Goal } from '../measure/goals.js';
import type { Effort, Measure } from '../measure/measure.js';
import type { Program } from '../subjects/node.js';
import type { Sandbox } from '../subjects/sandbox.js';

/** What a suite is given to set itself up with. */
export interface SuiteContext {
  readonly sandbox: Sandbox;
  readonly effort: Effort;
  readonly program: Program;
  /** Say that something cannot be measured here. */
  skip(skipped: Omit<Skipped, 'suite'>): void;
}

/** A suite that is set up. */
export interface OpenSuite {
  readonly measures: readonly Measure[];
  /** What was set equal for all, and what was checked beforehand. */
  readonly settings: readonly Omit<Setting, 'suite'>[];
}

/** A suite. */
export interface SuiteSpec {
  readonly name: Suite;
  readonly goals: readonly Goal[];
  /** What it takes, about, for the time left before it is set up. */
  readonly seconds: { readonly quick: number; readonly full: number };
  open(context: SuiteContext): Promise<OpenSuite>;
}

/**
 * A part that is left out where the machine lacks something for it.
 * @returns no measures then
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
