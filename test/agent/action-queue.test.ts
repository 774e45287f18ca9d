import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { newTurn } from '../../src/agent/action-queue.js';

test('sections run one after the other, in the order in which they were asked for', async (t) => {
  const turn = newTurn();
  const seen: string[] = [];
  const section = (name: string, ms: number) => async (): Promise<string> => {
    seen.push(`${name} begins`);
    await sleep(ms);
    seen.push(`${name} ends`);
    return name;
  };
  const all = [section('a', 20), section('b', 1), section('c', 5)].map((each) => turn.take(each));
  t.is(turn.length, 3);
  t.deepEqual(await Promise.all(all), ['a', 'b', 'c']);
  t.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  t.is(turn.length, 0);
});

test('an error goes to its owner alone', async (t) => {
  const turn = newTurn();
  const failing = turn.take(() => {
    throw new Error('no');
  });
  const next = turn.take(() => 7);
  await t.throwsAsync(failing, { message: 'no' });
  t.is(await next, 7);
});

test('who has gone before its turn came is passed over', async (t) => {
  const turn = newTurn();
  const gone = new AbortController();
  const first = turn.take(() => sleep(10));
  let ran = false;
  const second = turn.take(() => {
    ran = true;
  }, gone.signal);
  gone.abort(new Error('gone'));
  await t.throwsAsync(second, { message: 'gone' });
  await first;
  t.false(ran);
  t.is(await turn.take(() => 1), 1);
});
