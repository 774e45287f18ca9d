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

/** Which entry to delete. */
export interface FdbDeleteRequest {
  readonly network?: string | undefined;
  readonly mac: string;
}

/** Which learned entries to delete: all of the node where nothing is named. */
export interface FdbFlushRequest {
  readonly network?: string | undefined;
  /** Namespace of the endpoint. */
  readonly ns?: string | undefined;
}

/** An entry of the MAC table, as `dump fdb` shows it and the others report it. */
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
  /** permanent: an endpoint's own MAC, which only dump shows. */
  readonly state: 'static' | 'learned' | 'permanent';
  /** Seconds since the last frame from it; 0 for what is not learned. */
  readonly age: number;
  /** gateway: it is a gateway's own. */
  readonly flags: readonly string[];
}

export interface FdbChange extends ChangeResult {
  /** Entries that were added or deleted. */
  readonly count: number;
  readonly entries: readonly FdbRow[];
}
