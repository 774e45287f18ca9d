/** Every path of the datapath: bytes in; verdict, bytes and counters out. */
import test from 'ava';
import { TABLES } from './cases/index.js';
import { expected, outcomeOf } from './helpers/case.js';
import { makeWorld, type World } from './helpers/world.js';

let world: World;
test.before(async () => {
  world = await makeWorld();
});
test.after.always(() => world?.close());

for (const [table, cases] of Object.entries(TABLES)) {
  for (const it of cases) {
    test(`${table}: ${it.name}`, (t) => {
      const { clones, ...outcome } = outcomeOf(world, it);
      t.deepEqual(outcome, expected(it));
    });
  }
}
