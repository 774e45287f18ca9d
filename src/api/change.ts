/** Options and results that all changes of the node share. */
import type { Hint } from '../../loader/hint.js';

/** Options of every function that changes state. */
export interface ChangeOptions {
  /** Only plan the change. Neither the kernel nor the desired state is changed. */
  readonly dryRun?: boolean;
}

/** One step of a plan. Steps are listed in the order of execution. */
export interface PlanRow {
  /** Name of the step: `pair.create`, `table.put` ... */
  readonly step: string;
  /** Object that the step changes: an interface, a map entry ... */
  readonly subject: string;
  /** The values, as text. */
  readonly detail: string;
}

/** Result of a change. */
export interface ChangeResult {
  readonly changed: boolean;
  readonly plan: readonly PlanRow[];
  /** Notes for the user: changed sysctls, filters of other programs ... */
  readonly notes: readonly Hint[];
  readonly milliseconds: number;
}

/** Output of a command that changes one object: its present row, and whether and how fast it changed. */
export type ChangedRow<Row> = Row & Pick<ChangeResult, 'changed' | 'milliseconds'>;
