/** What protocol.ts decodes: numbers of 64 bits as text, bytes as buffers, what is not set as its default. */

/** Which store answered, and where it stood. */
export interface Header {
  readonly cluster_id: string;
  readonly member_id: string;
  readonly revision: string;
  readonly raft_term: string;
}

/** A record as etcd has it. Of a deleted one there are the key and `mod_revision` alone. */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: string;
  readonly mod_revision: string;
  /** Id of the lease with which it ends, or 0. */
  readonly lease: string;
}

export interface RangeRequest {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly limit?: number;
  /** As it was at that revision; now where it is not set. */
  readonly revision?: number;
  readonly keys_only?: boolean;
}

export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

/** A condition of a transaction: on a key, or on all keys of a range (true where it has none). */
export interface Compare {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly result: 'EQUAL' | 'GREATER';
  readonly target: 'CREATE' | 'MOD' | 'VALUE';
  /** 0: there is no such key. */
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
  /** Not 0: what was asked for is no longer there. */
  readonly compact_revision: string;
  readonly cancel_reason: string;
  readonly events: readonly WatchEvent[];
}

export interface Lease {
  readonly header: Header;
  readonly ID: string;
  /** Seconds; 0 or less: there is no such lease. */
  readonly TTL: string;
}

export interface Status {
  readonly header: Header;
  readonly version: string;
  /** Id of the member that leads; 0: none. */
  readonly leader: string;
}
