/** Requests and rows of the node commands. */
import type { ChangeResult } from './change.js';

export interface RemoteNodeAddRequest {
  readonly name: string;
  /** Underlay address of the node; optional for a known node. */
  readonly vtep?: string;
  /** Prefixes of a network that the node owns. Replaces the present ones; false removes them. */
  readonly prefixes?: readonly string[] | false;
  /** Network of the prefixes; `default` if not set. */
  readonly network?: string;
}

/** Node to delete. */
export interface RemoteNodeDeleteRequest {
  readonly name: string;
}

/** Another node. */
export interface RemoteNodeRow {
  readonly name: string;
  /** Underlay address of the node. */
  readonly dst: string;
  readonly number: number;
  /** Prefixes that the node owns, as `NETWORK=PREFIX`. */
  readonly prefixes: readonly string[];
}

export interface RemoteNodeChange extends ChangeResult {
  readonly node?: RemoteNodeRow;
  /** true: the node is new. */
  readonly created?: boolean;
}
