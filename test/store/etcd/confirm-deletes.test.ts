import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { confirmingDeletes } from '../../../src/store/etcd/watch/confirm-deletes.js';
import type { Cause, Delivery } from '../../../src/store/etcd/watch/known-records.js';

const DELAY = 60;

/** Deliveries of a test, and those that pass the confirmation. */
function place(t: ExecutionContext, look: () => Promise<ReadonlySet<string>>) {
  const queue: Delivery[] = [];
  let wake = (): void => {};
  let isDone = false;
  async function* source(): AsyncGenerator<Delivery> {
    while (!isDone) {
      const next = queue.shift();
      if (next !== undefined) yield next;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  const records = new Set<string>();
  const held: number[] = [];
  const read = async (): Promise<void> => {
    const options = { delay: DELAY, look, held: (count: number) => void held.push(count) };
    for await (const { puts, deletes } of confirmingDeletes(source(), options)) {
      for (const { key } of puts) records.add(key);
      for (const key of deletes) t.true(records.delete(key), `${key} was not known`);
    }
  };
  const done = read();
  t.teardown(async () => {
    isDone = true;
    wake();
    await done;
  });
  let revision = 0;
  return {
    ...{ records, held },
    async tell(puts: readonly string[], deletes: readonly string[], cause: Cause = 'changed') {
      const entries = puts.map((key) => ({ key, revision, value: Buffer.of(), lease: '0' }));
      queue.push({ cause, revision: ++revision, puts: entries, deletes });
      wake();
      await sleep(5);
    },
  };
}

const keys = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `k${from + index}`);

test('deletes of up to a half pass at once', async (t) => {
  const { records, held, tell } = place(t, async () => t.fail() as never);
  await tell(keys(0, 10), []);
  await tell([], keys(0, 5));
  t.deepEqual([...records], keys(5, 10));
  t.deepEqual(held, []);
});

test('deletes of more than a half pass after a confirmation', async (t) => {
  const { records, held, tell } = place(t, async () => new Set(['k9', 'new']));
  await tell(keys(0, 10), []);
  await tell(['new'], keys(0, 9), 'reset');
  t.is(records.size, 11, 'what is written passes');
  t.deepEqual(held, [9]);
  await sleep(2 * DELAY);
  t.deepEqual([...records], ['k9', 'new']);
});

test('records found by the confirmation stay', async (t) => {
  const { records, tell } = place(t, async () => new Set(keys(0, 8)));
  await tell(keys(0, 10), []);
  await tell([], keys(0, 10), 'reset');
  // Written again, and delivered, before the confirmation.
  await tell(['k9'], []);
  await sleep(2 * DELAY);
  t.deepEqual([...records].sort(), [...keys(0, 8), 'k9']);
});

test('deletes one by one in a short time are one change', async (t) => {
  const { records, tell } = place(t, async () => new Set());
  await tell(keys(0, 10), []);
  await Promise.all(keys(0, 10).map((key) => tell([], [key])));
  t.is(records.size, 5);
  await sleep(2 * DELAY);
  t.is(records.size, 0);
});

test('a store that is away confirms nothing', async (t) => {
  let isAway = true;
  const { records, tell } = place(t, async () => {
    if (isAway) throw new Error('away');
    return new Set(['k0']);
  });
  await tell(keys(0, 4), []);
  await tell([], keys(0, 4));
  await sleep(3 * DELAY);
  t.is(records.size, 4);
  isAway = false;
  await sleep(2 * DELAY);
  t.deepEqual([...records], ['k0']);
});

test('the last one or two of few go at once, unless the store was reset', async (t) => {
  const { records, tell } = place(t, async () => new Set(['b']));
  await tell(['a', 'b'], []);
  await tell([], ['a']);
  t.deepEqual([...records], ['b']);
  await tell([], ['b'], 'reset');
  await sleep(2 * DELAY);
  t.deepEqual([...records], ['b']);
});
