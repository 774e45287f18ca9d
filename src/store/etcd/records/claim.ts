/** Writing records together, or none of them. */
import { type Entry, type Etcd, endOf, entryOf } from '../client.js';
import type { Compare, RequestOp } from '../wire/messages.js';

/** A record as its writer has seen it: what it was, or that it was not there. */
export interface Seen {
  readonly key: string;
  /** Of the entry that was read; 0: there was none. */
  readonly revision: number;
}

/** Records that belong together. */
export interface Claim {
  /** They must still be as they were seen. */
  readonly seen: readonly Seen[];
  /** Must be there, as it may be. */
  readonly present?: readonly string[];
  /** No key may begin with these, or lie between these. */
  readonly empty?: readonly (string | { readonly from: string; readonly end: string })[];
  readonly put?: readonly {
    readonly key: string;
    readonly value: Buffer;
    readonly lease?: string;
  }[];
  readonly remove?: readonly string[];
  /** All keys that begin with these. */
  readonly removeBelow?: readonly string[];
}

/** What came of a claim. */
export interface Outcome {
  readonly done: boolean;
  /** Where it was not done: what is there of the keys of `seen` and `present`, by key. */
  readonly found: ReadonlyMap<string, Entry>;
}

/**
 * Write all of a claim, or nothing. Asked a second time because the answer was lost, it finds what it has
 * written itself: so a put has to say who wrote it.
 * @throws DpctlError CLUSTER_..., exit 5: then nobody knows whether it was done
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
