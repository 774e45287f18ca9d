import test from 'ava';
import type { Effort, Measure } from '../../src/bench/measure/measure.js';
import { carryOut, sampleCount } from '../../src/bench/measure/rounds.js';

const FULL: Effort = { quick: false, rounds: 4, seconds: 1 };
const QUICK: Effort = { quick: true, rounds: 3, seconds: 0.5 };

function measureOf(subjects: Measure['subjects'], more: Partial<Measure> = {}): Measure {
  return {
    title: 'something',
    figures: [{ id: 'speed', title: 'speed', unit: '', better: 'higher' }],
    subjects,
    pairs: [],
    seconds: 0,
    ...more,
  };
}

test('rounds are interleaved, and the first of a full run is discarded', async (t) => {
  const order: string[] = [];
  const subject = (name: string) => ({
    name,
    sample: async () => {
      order.push(name);
      return { speed: order.length };
    },
  });
  const measure = measureOf([subject('a'), subject('b')]);
  let announced = 0;
  const { figures } = await carryOut('program', measure, FULL, () => {
    announced++;
  });
  t.is(order.join(''), 'ababbabaab');
  t.is(announced, sampleCount(measure, FULL));
  t.deepEqual(
    figures[0]?.subjects.map(({ samples }) => samples.length),
    [4, 4],
  );
  t.false(figures[0]?.subjects[0]?.samples.includes(1));
});

test('a quick run does not warm up', async (t) => {
  let samples = 0;
  const measure = measureOf([
    {
      name: 'a',
      sample: async () => {
        samples++;
        return { speed: 1 };
      },
    },
  ]);
  await carryOut('program', measure, QUICK, () => undefined);
  t.is(samples, 3);
  t.is(sampleCount(measure, QUICK), 3);
});

test('a failed sample is missing and reported; the others are measured', async (t) => {
  let asked = 0;
  const measure = measureOf([
    { name: 'good', sample: async () => ({ speed: 1 }) },
    {
      name: 'bad',
      sample: async () => {
        asked++;
        throw new Error('no route to host');
      },
    },
    {
      name: 'shaky',
      sample: async () => ({ speed: Number.NaN }),
    },
  ]);
  const { figures, failures } = await carryOut('program', measure, FULL, () => undefined);
  t.deepEqual(
    figures[0]?.subjects.map(({ name }) => name),
    ['good'],
  );
  t.is(asked, 2, 'it is not asked again after two failures');
  t.deepEqual(failures[0], {
    suite: 'program',
    what: 'something',
    subject: 'bad',
    message: 'no route to host',
  });
});

test('a figure without any value is an error, not a gap', async (t) => {
  const measure = measureOf([{ name: 'a', sample: async () => ({ sped: 1 }) }]);
  await t.throwsAsync(
    carryOut('program', measure, QUICK, () => undefined),
    { message: /speed/ },
  );
});
