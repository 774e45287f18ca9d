/** What the verbs of other nodes take and give. */
import type { ChangeResult } from './change.js';

/** Another node. */
export interface NodeRow {
  readonly name: string;
  /** Its address. */
  readonly dst: string;
  readonly number: number;
}

export interface NodeChange extends ChangeResult {
  readonly node?: NodeRow;
  /** It was not there before. */
  readonly created?: boolean;
}
