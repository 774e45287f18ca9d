/** What the verbs of other nodes take and give. */
import type { ChangeResult } from './change.js';

export interface RemoteNodeAddRequest {
  readonly name: string;
  /** Its address on the underlay. */
  readonly vtep: string;
}

/** Which node to delete. */
export interface RemoteNodeDeleteRequest {
  readonly name: string;
}

/** Another node. */
export interface RemoteNodeRow {
  readonly name: string;
  /** Its address. */
  readonly dst: string;
  readonly number: number;
}

export interface RemoteNodeChange extends ChangeResult {
  readonly node?: RemoteNodeRow;
  /** It was not there before. */
  readonly created?: boolean;
}
