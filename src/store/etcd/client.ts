/** What is asked of etcd: records by prefix, transactions, leases. */
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

/** A record. */
export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  /** Of the change that wrote it. */
  readonly revision: number;
  /** With which it ends; 0: none. */
  readonly lease: string;
}

/** A member of etcd. */
export interface Member {
  readonly version: string;
  /** It leads; another one does; or none that it knows of. */
  readonly role: 'leader' | 'follower' | 'no leader';
  readonly revision: number;
}

/** Records as they were at one revision. */
export interface Listing {
  /** Ordered by their keys. */
  readonly entries: readonly Entry[];
  readonly place: Place;
}

/** Which store it was, and where it stood. */
export interface Place {
  readonly cluster: string;
  readonly revision: number;
  readonly term: number;
}

/**
 * A client of etcd. All calls end by their deadline, with an answer or with CLUSTER_..., exit 5. A call
 * may reach etcd twice where an answer was lost: transactions must say who wrote what.
 */
export interface Etcd {
  /** @param revision as it was then; now where it is not set, and never older than what was answered before */
  get(
    key: string,
    revision?: number,
  ): Promise<{ readonly entry: Entry | undefined; readonly place: Place }>;
  list(prefix: string): Promise<Listing>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  /** @returns id of a lease that ends after so many seconds without {@link keepAlive} */
  grantLease(seconds: number): Promise<string>;
  /** @returns seconds that are left; 0: it has ended */
  keepAlive(lease: string): Promise<number>;
  /** Its records go with it. No error where it has ended. */
  revokeLease(lease: string): Promise<void>;
  /** The member that answers calls at present. */
  member(): Promise<Member>;
  /** All watches share one stream. */
  readonly watches: WatchStream;
  close(): void;
}

/** Records that are asked for at once: at most some megabytes. */
const PAGE = 5000;

/** A client that connects when it is first used. Close it: an open one keeps the process. */
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
          // Compacted between two pages: the next list begins at a newer revision.
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

/** What a key-value of etcd's is here. */
export function entryOf({ key, value, mod_revision, lease }: KeyValue): Entry {
  return { key: key.toString(), value, revision: Number(mod_revision), lease };
}

/** Where a store stood when it answered. */
export function placeOf({ cluster_id, revision, raft_term }: Header): Place {
  return { cluster: cluster_id, revision: Number(revision), term: Number(raft_term) };
}

/** The end of the range of keys that begin with a prefix, which must not be empty. */
export function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  // Keys are ASCII: there is a next byte.
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return end;
}
