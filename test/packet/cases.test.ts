/** Every path and every reason of the datapath: bytes in; verdict, bytes and counters out. */
import test from 'ava';
import { arpAnswers, ndAnswers } from './cases/answers.js';
import { flood } from './cases/flood.js';
import { learning } from './cases/learning.js';
import { source4, sourceArp } from './cases/source4.js';
import { source6, sourceNd } from './cases/source6.js';
import { aged, unicast } from './cases/unicast.js';
import { type Case, expected, outcomeOf } from './helpers/case.js';
import { makeWorld, type World } from './helpers/world.js';

let world: World;
test.before(async () => {
  world = await makeWorld();
});
test.after.always(() => world?.close());

const TABLES: Readonly<Record<string, readonly Case[]>> = {
  unicast,
  aged,
  flood,
  learning,
  'source IPv4': source4,
  'source ARP': sourceArp,
  'source IPv6': source6,
  'source ND': sourceNd,
  'answer ARP': arpAnswers,
  'answer ND': ndAnswers,
};

for (const [table, cases] of Object.entries(TABLES)) {
  for (const it of cases) {
    test.serial(`${table}: ${it.name}`, (t) => {
      const { clones, ...outcome } = outcomeOf(world, it);
      t.deepEqual(outcome, expected(it));
    });
  }
}
