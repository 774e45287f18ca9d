/** The kernel refuses to redirect. */
import test from 'ava';
import { REFUSED_TABLES } from './cases/index.js';
import { UNKNOWN_FLAG } from './cases/refused.js';
import { expected, outcomeOf } from './helpers/case.js';
import { makeWorld, type World } from './helpers/world.js';

let world: World;
test.before(async () => {
  world = await makeWorld({ constants: { redirect_flags: UNKNOWN_FLAG } });
});
test.after.always(() => world?.close());

for (const [table, cases] of Object.entries(REFUSED_TABLES)) {
  for (const it of cases) {
    test(`${table}: ${it.name}`, (t) => {
      const { clones, ...outcome } = outcomeOf(world, it);
      t.deepEqual(outcome, expected(it));
    });
  }
}
