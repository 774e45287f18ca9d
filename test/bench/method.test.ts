import test from 'ava';
import fc from 'fast-check';
import {
  bootstrap,
  median,
  moved,
  pairedRatio,
  quantile,
  reached,
  rotated,
  seeded,
  spread,
  verdictOf,
} from '../../src/bench/measure/method.js';

test('every subject comes first, last and in between equally often, after changing neighbours', (t) => {
  const subjects = ['veth', 'bridge', 'dpctl'];
  const rounds = Array.from({ length: 6 }, (_, round) => rotated(subjects, round));
  for (const place of [0, 1, 2]) {
    const there = rounds.map((order) => order[place]).sort();
    t.deepEqual(there, ['bridge', 'bridge', 'dpctl', 'dpctl', 'veth', 'veth']);
  }
  const before = new Set(rounds.map((order) => order[order.indexOf('dpctl') - 1]));
  t.deepEqual([...before].sort(), ['bridge', 'veth', undefined]);
});

test('a round measures every subject once', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer()), fc.nat(1000), (subjects, round) => {
      t.deepEqual(rotated(subjects, round).sort(), [...subjects].sort());
    }),
  );
  t.deepEqual(rotated([], 3), []);
});

test('the median and the quartiles are those of a textbook', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(quantile([1, 2, 3, 4, 5], 0.25), 2);
  t.is(quantile([10, 20], 0.99), 19.9);
  t.true(Number.isNaN(median([])));
  t.is(spread([8, 9, 10, 11, 12]), 0.1);
  t.is(spread([]), 0);
});

test('one outlier moves neither the median nor the spread', (t) => {
  t.is(median([10, 10, 10, 10, 1000]), 10);
  t.is(spread([10, 10, 10, 10, 1000]), 0);
});

test('the same samples give the same interval', (t) => {
  const values = [1.1, 1.3, 1.2, 1.25, 1.15];
  t.deepEqual(bootstrap(values), bootstrap(values));
  t.deepEqual(bootstrap(values, 7), bootstrap(values, 7));
  const [a, b] = [seeded(1), seeded(2)];
  t.not(a(), b());
});

test('random numbers are spread evenly from 0 to 1', (t) => {
  const random = seeded(42);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 10_000; i++) {
    const value = random();
    t.true(value >= 0 && value < 1);
    counts[Math.floor(value * 4)] = (counts[Math.floor(value * 4)] ?? 0) + 1;
  }
  for (const count of counts) t.true(count > 2300 && count < 2700, String(counts));
});

test('an interval lies within the values and around the median', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 15 }),
      (values) => {
        const { low, high } = bootstrap(values);
        t.true(low <= median(values) && median(values) <= high);
        t.true(low >= Math.min(...values) && high <= Math.max(...values));
      },
    ),
    { numRuns: 30 },
  );
});

test('confidence intervals contain a known median as often as they promise', (t) => {
  const random = seeded(3);
  // A sum of twelve is close to a normal distribution around 6.
  const draw = () => Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, 0);
  const held = Array.from({ length: 200 }, (_, seed) => {
    const { low, high } = bootstrap(Array.from({ length: 11 }, draw), seed);
    return low <= 6 && high >= 6;
  });
  const share = held.filter(Boolean).length / held.length;
  t.true(share > 0.88, `${share}`);
});

test('a disturbance of both subjects does not change their ratio', (t) => {
  const quiet = [1, 0.5, 2, 0.7, 1.3, 0.9];
  const ratio = pairedRatio(
    quiet.map((speed) => 130 * speed),
    quiet.map((speed) => 100 * speed),
  );
  t.deepEqual(ratio, { ratio: 1.3, low: 1.3, high: 1.3, rounds: 6 });
});

test('a round without one of the two subjects is ignored', (t) => {
  const ratio = pairedRatio([2, undefined, 2, 0, 2], [1, 1, undefined, 1, 1]);
  t.is(ratio?.rounds, 2);
  t.is(ratio?.ratio, 2);
  t.is(pairedRatio([], [1]), undefined);
  t.is(pairedRatio([0], [0]), undefined);
});

test('no difference is claimed where the interval holds 1, or with too few rounds', (t) => {
  t.is(verdictOf({ low: 0.98, high: 1.2, rounds: 9 }, 'higher'), 'none');
  t.is(verdictOf({ low: 1, high: 1.2, rounds: 9 }, 'higher'), 'none');
  t.is(verdictOf({ low: 1.3, high: 1.4, rounds: 2 }, 'higher'), 'none');
  t.is(verdictOf({ low: 1.1, high: 1.2, rounds: 9 }, 'higher'), 'better');
  t.is(verdictOf({ low: 1.1, high: 1.2, rounds: 9 }, 'lower'), 'worse');
  t.is(verdictOf({ low: 0.8, high: 0.9, rounds: 9 }, 'higher'), 'worse');
  t.is(verdictOf({ low: 0.8, high: 0.9, rounds: 9 }, 'lower'), 'better');
});

test('a goal is reached, missed or open', (t) => {
  t.is(reached({ low: 1.31, high: 1.5 }, 'least', 1.3), 'yes');
  t.is(reached({ low: 1.2, high: 1.5 }, 'least', 1.3), 'unsure');
  t.is(reached({ low: 1.2, high: 1.29 }, 'least', 1.3), 'no');
  t.is(reached({ low: 40, high: 60 }, 'most', 60), 'yes');
  t.is(reached({ low: 55, high: 65 }, 'most', 60), 'unsure');
  t.is(reached({ low: 61, high: 65 }, 'most', 60), 'no');
});

test('a figure has moved when the runs lie apart, and by enough', (t) => {
  const before = { value: 100, low: 98, high: 102 };
  t.is(moved(before, { value: 120, low: 118, high: 122 }, 'higher', 0.05), 'better');
  t.is(moved(before, { value: 120, low: 118, high: 122 }, 'lower', 0.05), 'worse');
  t.is(moved(before, { value: 120, low: 101, high: 140 }, 'lower', 0.05), 'none');
  t.is(moved(before, { value: 103, low: 102.5, high: 103.5 }, 'lower', 0.05), 'none');
  t.is(moved(before, { value: 80, low: 79, high: 81 }, 'lower', 0.05), 'better');
});
