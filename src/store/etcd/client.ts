/** Client of etcd: reads of keys and prefixes, transactions, leases and watches. */
import { once } from 'node:events';
import { newWatchStream, type WatchStream } from './watch/stream.js';
import { failureKind } from './wire/failure.js';
import { type EtcdSettings, openLink } from './wire/link.js';
import type {
  Header,
  KeyValue,
  Lease,
  RangeRequest,
  RangeResponse,
  Status,
  TxnRequest,
  TxnResponse,
} from './wire/messages.js';
import { METHODS } from './wire/protocol.js';

/** A record and its etcd metadata. */
export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  /** mod_revision: revision of the last change. */
  readonly revision: number;
  /** Id of the lease that the record is attached to; 0: none. */
  readonly lease: string;
}

/** State of an etcd member. */
export interface Member {
  readonly version: string;
  /** `no leader`: the member does not know of any. */
  readonly role: 'leader' | 'follower' | 'no leader';
  readonly revision: number;
}

/** A consistent snapshot of records at one revision. */
export interface Listing {
  /** Sorted by key. */
  readonly entries: readonly Entry[];
  readonly place: Place;
}

/** Cluster id, revision and Raft term of an answer. */
export interface Place {
  readonly cluster: string;
  readonly revision: number;
  readonly term: number;
}

/**
 * A client of etcd. Every call ends by its deadline, with an answer or with CLUSTER_..., exit 5. If an answer
 * is lost, the call is repeated, so a transaction must record its writer to recognize its own result.
 */
export interface Etcd {
  /** @param revision to read at; by default the newest one (a linearizable read) */
  get(
    key: string,
    revision?: number,
  ): Promise<{ readonly entry: Entry | undefined; readonly place: Place }>;
  list(prefix: string): Promise<Listing>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  /** @returns id of a lease that expires after this many seconds without {@link keepAlive} */
  grantLease(seconds: number): Promise<string>;
  /** @returns remaining seconds; 0: the lease has expired */
  keepAlive(lease: string): Promise<number>;
  /** Revoke a lease, which deletes its records. Not an error if the lease has expired. */
  revokeLease(lease: string): Promise<void>;
  /** State of the member in use. */
  member(): Promise<Member>;
  /** All watches share one stream. */
  readonly watches: WatchStream;
  close(): void;
}

/** Maximum number of records per request, so that a response is at most a few megabytes. */
const PAGE = 5000;

/** Create a client, which connects on first use. An open client keeps the process alive: close it. */
export function openEtcd(settings: EtcdSettings): Etcd {
  const link = openLink(settings);
  const watches = newWatchStream(link);
  const range = (request: RangeRequest): Promise<RangeResponse> =>
    link.call(METHODS.range, request);
  return {
    watches,
    async get(key, revision = 0) {
      const { kvs, header } = await range({ key: Buffer.from(key), revision });
      const [found] = kvs;
      return { entry: found === undefined ? undefined : entryOf(found), place: placeOf(header) };
    },
    async list(prefix) {
      for (;;) {
        try {
          return await listPages(range, prefix);
        } catch (error) {
          // The revision was compacted between two pages: list again at a newer one.
          if (failureKind(error) !== 'compacted') throw error;
        }
      }
    },
    txn: (request) => link.call(METHODS.txn, request),
    async grantLease(seconds) {
      const { ID } = await link.call<Lease>(METHODS.leaseGrant, { TTL: seconds, ID: 0 });
      return ID;
    },
    async keepAlive(lease) {
      const { stream, judge } = await link.open<object, Lease>(
        METHODS.leaseKeepAlive,
        Date.now() + link.timing.attempt,
      );
      try {
        stream.write({ ID: lease });
        const signal = AbortSignal.timeout(link.timing.attempt);
        const [answer] = (await once(stream, 'data', { signal })) as [Lease];
        return Math.max(0, Number(answer.TTL));
      } catch (error) {
        throw judge(error);
      } finally {
        stream.on('error', () => {});
        stream.cancel();
      }
    },
    async revokeLease(lease) {
      try {
        await link.call(METHODS.leaseRevoke, { ID: lease });
      } catch (error) {
        if (!/requested lease not found/.test(String(error))) throw error;
      }
    },
    async member() {
      const { header, version, leader } = await link.call<Status>(METHODS.status, {});
      const led = leader === header.member_id ? 'leader' : 'follower';
      return {
        version,
        role: leader === '0' ? 'no leader' : led,
        revision: Number(header.revision),
      };
    },
    close() {
      watches.close();
      link.close();
    },
  };
}

async function listPages(
  range: (request: RangeRequest) => Promise<RangeResponse>,
  prefix: string,
): Promise<Listing> {
  const end = endOf(prefix);
  const entries: Entry[] = [];
  let place: Place | undefined;
  for (let key: Buffer = Buffer.from(prefix); ; ) {
    const revision = place?.revision ?? 0;
    const page = await range({ key, range_end: end, limit: PAGE, revision });
    place ??= placeOf(page.header);
    for (const each of page.kvs) entries.push(entryOf(each));
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) return { entries, place };
    key = Buffer.concat([last.key, Buffer.of(0)]);
  }
}

/** Convert a key-value of etcd to a record. */
export function entryOf({ key, value, mod_revision, lease }: KeyValue): Entry {
  return { key: key.toString(), value, revision: Number(mod_revision), lease };
}

/** Read the place from the header of an answer. */
export function placeOf({ cluster_id, revision, raft_term }: Header): Place {
  return { cluster: cluster_id, revision: Number(revision), term: Number(raft_term) };
}

/** End (exclusive) of the range of all keys with a prefix. The prefix must not be empty. */
export function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  // Keys are ASCII, so the last byte can be incremented.
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return end;
}
