/** What the verbs of other nodes take and give. */
import type { ChangeResult } from './change.js';

export interface NodeAddRequest {
  readonly name: string;
  /** Its address on the underlay. */
  readonly vtep: string;
}

/** Which node to delete. */
export interface NodeDeleteRequest {
  readonly name: string;
}

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
