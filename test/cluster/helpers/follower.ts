/** A reader of a watch, and the list that its result is compared with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { DpctlError } from '../../../loader/errors.js';
import type { Etcd } from '../../../src/store/etcd/client.js';
import { follow } from '../../../src/store/etcd/watch/follow.js';
import type { Delivery } from '../../../src/store/etcd/watch/known-records.js';

/** The result of all deliveries. */
export interface Follower {
  /** The present values by key, as a reader knows them. */
  readonly records: Map<string, string>;
  readonly deliveries: Delivery[];
  /** Each key that was ever delivered, and each that was delivered as deleted. */
  readonly told: Set<string>;
  readonly gone: Set<string>;
  /** The present problem of the watch, if any. */
  trouble(): DpctlError | undefined;
  stop(): Promise<void>;
}

/** Follow a prefix until it is stopped, or the test ends. */
export function followed(t: ExecutionContext, etcd: Etcd, prefix: string): Follower {
  const end = new AbortController();
  t.teardown(() => end.abort());
  const [records, told, gone] = [new Map<string, string>(), new Set<string>(), new Set<string>()];
  const deliveries: Delivery[] = [];
  let trouble: DpctlError | undefined;
  const report = (error: DpctlError | undefined): void => {
    trouble = error;
  };
  const run = async (): Promise<void> => {
    for await (const each of follow(etcd, prefix, { signal: end.signal, report })) {
      deliveries.push(each);
      for (const { key, value } of each.puts) {
        records.set(key, value.toString());
        told.add(key);
      }
      for (const key of each.deletes) {
        if (!records.delete(key)) throw new Error(`${key} was told as gone, and nobody knew it`);
        gone.add(key);
      }
    }
  };
  const done = run();
  return {
    ...{ records, deliveries, told, gone },
    trouble: () => trouble,
    async stop() {
      end.abort();
      await done;
    },
  };
}

/** Milliseconds until a condition holds. @throws after a time-out, with the present value */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  within = 20_000,
): Promise<number> {
  const start = performance.now();
  while (!(await holds())) {
    if (performance.now() - start > within) throw new Error(`not within ${within} ms: ${what}`);
    await sleep(5);
  }
  return performance.now() - start;
}

/** Wait until the deliveries agree with a list by another client. @returns milliseconds */
export async function agree(follower: Follower, other: Etcd, prefix: string): Promise<number> {
  return until('what was delivered is what is there', async () => {
    const listing = await other.list(prefix).catch(() => undefined);
    if (listing === undefined) return false;
    const there = new Map(listing.entries.map(({ key, value }) => [key, value.toString()]));
    return isDeepStrictEqual(follower.records, there);
  });
}

/** Write records. */
export async function put(etcd: Etcd, records: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(records)) {
    const request_put = { key: Buffer.from(key), value: Buffer.from(value) };
    await etcd.txn({ compare: [], success: [{ request_put }], failure: [] });
  }
}

/** Delete records. */
export async function remove(etcd: Etcd, ...keys: string[]): Promise<void> {
  for (const key of keys) {
    const success = [{ request_delete_range: { key: Buffer.from(key) } }];
    await etcd.txn({ compare: [], success, failure: [] });
  }
}

/** A number of records with distinct names and values. */
export function numbered(prefix: string, count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`${prefix}${index}`, `value ${index}`]),
  );
}
