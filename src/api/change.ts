/** What a change of the node takes and gives, whichever it is. */
import type { Hint } from '../../loader/hint.js';

/** Options of every function that changes state. */
export interface ChangeOptions {
  /** Plan only: nothing is changed, not even the desired state. */
  readonly dryRun?: boolean;
}

/** One line of a plan, in the order in which it is carried out. */
export interface PlanRow {
  /** What is done: `pair.create`, `table.put` ... */
  readonly step: string;
  /** What it is done to: an interface, a map's entry ... */
  readonly subject: string;
  /** The values, for people. */
  readonly detail: string;
}

/** What a changing function did. */
export interface ChangeResult {
  readonly changed: boolean;
  readonly plan: readonly PlanRow[];
  /** Remarks that the user must see: sysctls changed, filters of others ... */
  readonly notes: readonly Hint[];
  readonly milliseconds: number;
}

/** What a command that changes one thing prints: the thing as it is now, and what was done to it. */
export type ChangedRow<Row> = Row & Pick<ChangeResult, 'changed' | 'milliseconds'>;
