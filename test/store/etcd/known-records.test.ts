import test from 'ava';
import fc from 'fast-check';
import type { Entry, Place } from '../../../src/store/etcd/client.js';
import {
  applyChanges,
  type Change,
  type Delivery,
  isElsewhere,
  newKnown,
  relist,
} from '../../../src/store/etcd/watch/known-records.js';

const entry = (key: string, revision: number): Entry => ({
  ...{ key, revision, lease: '0' },
  value: Buffer.from(`${key}@${revision}`),
});
const at = (revision: number, place: Partial<Place> = {}): Place => ({
  ...{ cluster: '1', term: 2, revision },
  ...place,
});

/** Applies deliveries like a reader. @throws if an unknown key is deleted */
function read(records: Map<string, string>, { puts, deletes }: Delivery): void {
  for (const key of deletes) {
    if (!records.delete(key)) throw new Error(`${key} was not known`);
  }
  for (const { key, value } of puts) records.set(key, value.toString());
}

test('a reader has what a list has, whichever changes come as events, and which as a difference', (t) => {
  const change = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), put: fc.boolean() });
  const step = fc.record({
    changes: fc.array(change, { maxLength: 6 }),
    by: fc.constantFrom('events', 'list', 'both'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const known = newKnown();
      const reader = new Map<string, string>();
      const store = new Map<string, Entry>();
      let revision = 1;
      const list = () => ({ entries: [...store.values()], place: at(revision) });
      read(reader, relist(known, list(), 'listed'));
      for (const { changes, by } of steps) {
        const events: Change[] = [];
        for (const { key, put } of changes) {
          if (!put && !store.has(key)) continue;
          revision++;
          if (put) store.set(key, entry(key, revision));
          else store.delete(key);
          events.push(put ? { put: entry(key, revision) } : { deleted: key, revision });
        }
        // With both, a list overtakes events that are on their way.
        if (by !== 'events') read(reader, relist(known, list(), 'compacted'));
        const delivery = by === 'list' ? undefined : applyChanges(known, events);
        if (delivery !== undefined) read(reader, delivery);
        const there = [...store.values()].map(({ key, value }) => [key, value.toString()]);
        t.deepEqual(Object.fromEntries(reader), Object.fromEntries(there));
        t.is(known.floor, revision);
      }
    }),
  );
});

test('a record created and deleted within one delivery is not delivered', (t) => {
  const known = newKnown();
  relist(known, { entries: [entry('old', 1)], place: at(1) }, 'listed');
  const delivery = applyChanges(known, [
    { put: entry('new', 2) },
    { deleted: 'new', revision: 3 },
    { deleted: 'old', revision: 4 },
    { put: entry('old', 5) },
  ]);
  t.deepEqual(delivery?.deletes, []);
  t.deepEqual(
    delivery?.puts.map(({ key, revision }) => [key, revision]),
    [['old', 5]],
  );
});

test('after a reset every record is delivered: revisions of another history mean nothing', (t) => {
  const known = newKnown();
  const entries = [entry('a', 3), entry('b', 4)];
  relist(known, { entries, place: at(9) }, 'listed');
  t.is(relist(known, { entries, place: at(9) }, 'looked').puts.length, 0);
  const reset = relist(known, { entries: [entry('a', 3)], place: at(3) }, 'reset');
  t.deepEqual(
    reset.puts.map(({ key }) => key),
    ['a'],
  );
  t.deepEqual(reset.deletes, ['b']);
});

test('another cluster, an older term and a smaller revision are another past', (t) => {
  const known = newKnown();
  relist(known, { entries: [entry('a', 3)], place: at(9) }, 'listed');
  t.false(isElsewhere(known, at(9)));
  t.false(isElsewhere(known, at(12, { term: 3 })));
  for (const place of [at(8), at(12, { term: 1 }), at(12, { cluster: '2' })]) {
    t.true(isElsewhere(known, place));
  }
});
