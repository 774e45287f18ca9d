/** Requests and rows of the MAC table commands. */
import type { ChangeResult } from './change.js';

/** Static entry to add. */
export interface FdbAddRequest {
  readonly network?: string | undefined;
  readonly mac: string;
  /** Namespace of the endpoint. Either this or `node` is set. */
  readonly ns?: string | undefined;
  readonly ifname?: string | undefined;
  readonly node?: string | undefined;
  /** IP addresses of the MAC; only behind another node. */
  readonly ips?: readonly string[] | undefined;
}

/** Entry to delete. */
export interface FdbDeleteRequest {
  readonly network?: string | undefined;
  readonly mac: string;
}

/** Learned entries to delete; without a filter, all of the node. */
export interface FdbFlushRequest {
  readonly network?: string | undefined;
  /** Namespace of the endpoint. */
  readonly ns?: string | undefined;
}

/** Entry of the MAC table, in `dump fdb` and in results of `fdb` commands. */
export interface FdbRow {
  readonly mac: string;
  readonly vni: number;
  readonly network: string;
  readonly ns: string;
  /** Host end of the endpoint. */
  readonly ifname: string;
  readonly ifindex: number;
  /** Node of the MAC, and its underlay address; both empty for this node. */
  readonly node: string;
  readonly dst: string;
  /** permanent: MAC of an endpoint, which only `dump` shows. */
  readonly state: 'static' | 'learned' | 'permanent';
  /** Seconds since the last frame from this MAC; 0 if the entry is not learned. */
  readonly age: number;
  /** gateway: MAC of a gateway. */
  readonly flags: readonly string[];
}

export interface FdbChange extends ChangeResult {
  /** Number of entries added or deleted. */
  readonly count: number;
  readonly entries: readonly FdbRow[];
}
