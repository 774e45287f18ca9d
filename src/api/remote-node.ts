/** Requests and rows of the commands on remote nodes. */
import type { ChangeResult } from './change.js';

export interface RemoteNodeAddRequest {
  readonly name: string;
  /** Its address on the underlay; may be missing for a node that is known. */
  readonly vtep?: string;
  /** Prefixes of a network that it owns, instead of the present ones; false: none any more. */
  readonly prefixes?: readonly string[] | false;
  /** Network of the prefixes; `default` if not set. */
  readonly network?: string;
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
  /** Prefixes that it owns, `NETWORK=PREFIX` each. */
  readonly prefixes: readonly string[];
}

export interface RemoteNodeChange extends ChangeResult {
  readonly node?: RemoteNodeRow;
  /** It was not there before. */
  readonly created?: boolean;
}
