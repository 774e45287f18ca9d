/** Atomic writes of several records. */
import { type Entry, type Etcd, endOf, entryOf } from '../client.js';
import type { Compare, RequestOp } from '../wire/messages.js';

/** A record as its writer has read it, possibly as missing. */
export interface Seen {
  readonly key: string;
  /** mod_revision of the record; 0: it did not exist. */
  readonly revision: number;
}

/** Preconditions and writes of one transaction. */
export interface Claim {
  /** Records that must not have changed since they were read. */
  readonly seen: readonly Seen[];
  /** Keys that must exist, with any value. */
  readonly present?: readonly string[];
  /** Prefixes and ranges (`end` is exclusive) in which no key may exist. */
  readonly empty?: readonly (string | { readonly from: string; readonly end: string })[];
  readonly put?: readonly {
    readonly key: string;
    readonly value: Buffer;
    readonly lease?: string;
  }[];
  readonly remove?: readonly string[];
  /** Prefixes: all keys below them are deleted. */
  readonly removeBelow?: readonly string[];
}

/** Result of a claim. */
export interface Outcome {
  readonly done: boolean;
  /** If the claim failed: the existing records among `seen` and `present`, by key. */
  readonly found: ReadonlyMap<string, Entry>;
}

/**
 * Write a claim atomically. After a lost answer the transaction is repeated, and finds what it has written
 * itself; therefore each value must identify its writer.
 * @throws DpctlError CLUSTER_..., exit 5: then it is unknown whether the claim was written
 */
export async function commit(etcd: Etcd, claim: Claim): Promise<Outcome> {
  const { seen, present = [], empty = [], put = [], remove = [], removeBelow = [] } = claim;
  const compare: Compare[] = [
    ...seen.map(({ key, revision }) => asSeen(Buffer.from(key), revision)),
    ...present.map((key): Compare => {
      const create = { target: 'CREATE', create_revision: 0 } as const;
      return { key: Buffer.from(key), result: 'GREATER', ...create };
    }),
    ...empty.map((each): Compare => {
      const [from, end] =
        typeof each === 'string' ? [each, endOf(each)] : [each.from, Buffer.from(each.end)];
      return { ...asSeen(Buffer.from(from), 0), range_end: end };
    }),
  ];
  const success: RequestOp[] = [
    ...remove.map((key) => ({ request_delete_range: { key: Buffer.from(key) } })),
    ...removeBelow.map((prefix) => ({
      request_delete_range: { key: Buffer.from(prefix), range_end: endOf(prefix) },
    })),
    ...put.map(({ key, value, lease = '0' }) => ({
      request_put: { key: Buffer.from(key), value, lease },
    })),
  ];
  const asked = new Set([...seen.map(({ key }) => key), ...present, ...put.map(({ key }) => key)]);
  const failure = [...asked].map((key) => ({ request_range: { key: Buffer.from(key) } }));
  const { succeeded, responses } = await etcd.txn({ compare, success, failure });
  if (succeeded) return { done: true, found: new Map() };
  const entries = responses.flatMap(({ response_range }) => response_range?.kvs ?? []).map(entryOf);
  const found = new Map(entries.map((entry) => [entry.key, entry]));
  const isOurs =
    put.length > 0 && put.every(({ key, value }) => found.get(key)?.value.equals(value));
  return { done: isOurs, found };
}

function asSeen(key: Buffer, revision: number): Compare {
  return revision === 0
    ? { key, result: 'EQUAL', target: 'CREATE', create_revision: 0 }
    : { key, result: 'EQUAL', target: 'MOD', mod_revision: revision };
}
