import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { backOff, type Found, jittered, startLoop, type Task } from '../../src/agent/loop.js';

/** A task with a given duration, a list of results, and a rest after each run. */
function task(name: string, takes: number, finds: Found[], rests = 0) {
  const seen = { runs: 0, at: [] as number[], running: false, overlaps: 0 };
  const one: Task = {
    name,
    async run() {
      if (seen.running) seen.overlaps++;
      seen.running = true;
      seen.runs++;
      seen.at.push(performance.now());
      await sleep(takes);
      seen.running = false;
      return finds.shift() ?? 'nothing';
    },
    rest: () => rests,
  };
  return { one, seen };
}

test('requests during a wait or a run lead to one more run, and runs never overlap', async (t) => {
  const { one, seen } = task('a', 30, []);
  const loop = startLoop([one]);
  for (let asks = 0; asks < 10; asks++) loop.ask('a');
  await sleep(15);
  t.true(loop.busyFor() > 0);
  for (let asks = 0; asks < 10; asks++) loop.ask('a');
  await sleep(200);
  t.is(seen.runs, 2);
  t.is(seen.overlaps, 0);
  t.is(loop.busyFor(), 0);
  await loop.stop();
});

test('a failed task is retried after its rest, and the other does not wait', async (t) => {
  const bad = task('bad', 1, ['failed', 'failed'], 150);
  const good = task('good', 1, []);
  const loop = startLoop([bad.one, good.one]);
  loop.ask('bad');
  await sleep(30);
  loop.ask('bad');
  loop.ask('good');
  await sleep(50);
  t.is(bad.seen.runs, 1);
  t.is(good.seen.runs, 1);
  await sleep(500);
  t.is(bad.seen.runs, 3, 'it found nothing the third time');
  await loop.stop();
});

test('an urgent request skips the rest, and nothing runs after the end', async (t) => {
  const { one, seen } = task('a', 1, [], 10_000);
  const loop = startLoop([one]);
  loop.ask('a');
  await sleep(50);
  loop.ask('a');
  await sleep(50);
  t.is(seen.runs, 1);
  loop.insist('a');
  await sleep(50);
  t.is(seen.runs, 2);
  await loop.stop();
  loop.insist('a');
  await sleep(50);
  t.is(seen.runs, 2);
});

test('the end waits for the running task', async (t) => {
  const { one, seen } = task('a', 60, []);
  const loop = startLoop([one]);
  loop.ask('a');
  await sleep(20);
  await loop.stop();
  t.false(seen.running);
  t.is(seen.runs, 1);
});

test('times have jitter, and a back-off has a bound', (t) => {
  t.is(
    jittered(1000, () => 0),
    750,
  );
  t.is(
    jittered(1000, () => 1),
    1250,
  );
  for (let streak = 1; streak < 100; streak++) {
    const wait = backOff(streak, 100, 60_000);
    t.true(wait <= 75_000 && wait >= Math.min(60_000, 100 * 2 ** (streak - 1)) * 0.75);
  }
});
