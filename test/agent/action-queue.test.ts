import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { newActionQueue } from '../../src/agent/action-queue.js';

test('sections run one after the other, in the order of the requests', async (t) => {
  const queue = newActionQueue();
  const seen: string[] = [];
  const section = (name: string, ms: number) => async (): Promise<string> => {
    seen.push(`${name} begins`);
    await sleep(ms);
    seen.push(`${name} ends`);
    return name;
  };
  const all = [section('a', 20), section('b', 1), section('c', 5)].map((each) => queue.run(each));
  t.is(queue.length, 3);
  t.deepEqual(await Promise.all(all), ['a', 'b', 'c']);
  t.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  t.is(queue.length, 0);
});

test('only the caller of a section gets its error', async (t) => {
  const queue = newActionQueue();
  const failing = queue.run(() => {
    throw new Error('no');
  });
  const next = queue.run(() => 7);
  await t.throwsAsync(failing, { message: 'no' });
  t.is(await next, 7);
});

test('a section whose caller has gone before it began never runs', async (t) => {
  const queue = newActionQueue();
  const gone = new AbortController();
  const first = queue.run(() => sleep(10));
  let ran = false;
  const second = queue.run(() => {
    ran = true;
  }, gone.signal);
  gone.abort(new Error('gone'));
  await t.throwsAsync(second, { message: 'gone' });
  await first;
  t.false(ran);
  t.is(await queue.run(() => 1), 1);
});
