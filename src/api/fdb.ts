/** What the verbs of the MAC table take and give. */
import type { ChangeResult } from './change.js';

/** Where a MAC is said to be. */
export interface FdbAddRequest {
  readonly network?: string | undefined;
  readonly mac: string;
  /** Namespace of the endpoint; or else the other node. */
  readonly ns?: string | undefined;
  readonly ifname?: string | undefined;
  readonly node?: string | undefined;
  /** Addresses that the MAC answers to, behind another node. */
  readonly ips?: readonly string[] | undefined;
}

/** An entry of the MAC table, with the keys that `dump fdb` has. */
export interface FdbRow {
  readonly mac: string;
  readonly vni: number;
  readonly network: string;
  readonly ns: string;
  /** Host end of the endpoint. */
  readonly ifname: string;
  readonly ifindex: number;
  /** Other node behind which it is, and its address; empty for this node. */
  readonly node: string;
  readonly dst: string;
  readonly state: 'static' | 'learned';
  /** Seconds since the last frame from it. */
  readonly age: number;
  /** Always empty: only endpoints' own MACs, which dump shows, have any. */
  readonly flags: readonly string[];
}

export interface FdbChange extends ChangeResult {
  /** Entries that were added or deleted. */
  readonly count: number;
  readonly entries: readonly FdbRow[];
}
