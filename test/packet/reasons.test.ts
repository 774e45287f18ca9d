/** Every drop reason is tested somewhere in this folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { describeReason, Reason } from '../../src/contract/generated.js';
import { REFUSED_TABLES, TABLES } from './cases/index.js';

/** Reasons that a single frame cannot cause, and the tests that cover them. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, title: string]>> = {
  event_limit: ['events.test', 'events over the rate are counted, not sent'],
  event_lost: ['events.test', 'events that find the ring full are counted'],
  port_down: ['liveness.test', 'one that asks and is down by then gets no answer'],
  learn_room: ['fdb-capacity.test', 'a flood of new MACs stops before the table is full'],
  timer: ['ageing.test', 'a MAC whose timer cannot be started is not learned'],
};

/** Reasons of the overlay, which test/overlay/reasons.test.ts covers: they need two nodes. */
const OVERLAY = Object.keys(Reason)
  .filter((name) => {
    const number = Reason[name as keyof typeof Reason];
    return (
      (number >= Reason.NO_UNDERLAY && number <= Reason.ANCHOR_STRAY) ||
      (number >= Reason.OUTER_CHECKSUM && number <= Reason.OUTER_VLAN) ||
      (number >= Reason.VNI_UNKNOWN && number <= Reason.NO_META) ||
      number === Reason.NODE_MAC ||
      number === Reason.NODE_NEIGHBOUR
    );
  })
  .map((name) => name.toLowerCase());

/** Bounds in the numbering, which are never counted. */
const MARKS = new Set(['unspec', 'notice']);

test('every reason is asserted', (t) => {
  const asserted = new Set<string>([...Object.keys(ELSEWHERE), ...OVERLAY]);
  for (const cases of [...Object.values(TABLES), ...Object.values(REFUSED_TABLES)].flat()) {
    for (const reason of Object.keys(cases.expect.reasons ?? {})) asserted.add(reason);
  }
  const known = Object.keys(Reason).map((name) => name.toLowerCase());
  t.deepEqual(
    known.filter((name) => !asserted.has(name) && !MARKS.has(name)),
    [],
  );
  t.deepEqual(
    [...asserted].filter((name) => !known.includes(name)),
    [],
  );
});

test('what is asserted elsewhere is there', (t) => {
  for (const [reason, [file, title]] of Object.entries(ELSEWHERE)) {
    const text = readFileSync(join(import.meta.dirname, `${file}.js`), 'utf8');
    t.true(text.includes(`('${title}'`), `${file} has no test "${title}"`);
    t.true(text.includes(reason), `${file} does not mention ${reason}`);
  }
});

test('every reason has a text for users', (t) => {
  for (const [name, value] of Object.entries(Reason)) {
    t.true(describeReason(value).length > 10, `${name} says "${describeReason(value)}"`);
  }
});
