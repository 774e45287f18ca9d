/** Messages as protocol.ts decodes them: 64-bit integers as strings, bytes as buffers, defaults set. */

/** Header of each answer: cluster, member, revision and Raft term. */
export interface Header {
  readonly cluster_id: string;
  readonly member_id: string;
  readonly revision: string;
  readonly raft_term: string;
}

/** A key-value pair of etcd. For a deleted key, only `key` and `mod_revision` are set. */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: string;
  readonly mod_revision: string;
  /** Id of the lease that the key is attached to; 0: none. */
  readonly lease: string;
}

export interface RangeRequest {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly limit?: number;
  /** Revision to read at; the newest one by default. */
  readonly revision?: number;
  readonly keys_only?: boolean;
}

export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

/** Condition of a transaction on a key, or on all keys of a range. It is true for an empty range. */
export interface Compare {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly result: 'EQUAL' | 'GREATER';
  readonly target: 'CREATE' | 'MOD' | 'VALUE';
  /** 0: the key does not exist. */
  readonly create_revision?: number;
  readonly mod_revision?: number;
  readonly value?: Buffer;
}

export type RequestOp =
  | { readonly request_range: RangeRequest }
  | {
      readonly request_put: {
        readonly key: Buffer;
        readonly value: Buffer;
        readonly lease?: string;
      };
    }
  | { readonly request_delete_range: { readonly key: Buffer; readonly range_end?: Buffer } };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly { readonly response_range?: RangeResponse }[];
}

export interface WatchEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly kv: KeyValue;
}

export interface WatchResponse {
  readonly header: Header;
  readonly watch_id: string;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Not 0: the requested revision was compacted. */
  readonly compact_revision: string;
  readonly cancel_reason: string;
  readonly events: readonly WatchEvent[];
}

export interface Lease {
  readonly header: Header;
  readonly ID: string;
  /** Time to live in seconds; 0 or less: the lease does not exist. */
  readonly TTL: string;
}

export interface Status {
  readonly header: Header;
  readonly version: string;
  /** Member id of the leader; 0: none. */
  readonly leader: string;
}
