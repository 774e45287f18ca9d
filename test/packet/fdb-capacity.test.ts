/** A MAC table full of learned entries still has room for configured ones. */
import test from 'ava';
import { other } from './cases/common.js';
import { outcomeOf } from './helpers/case.js';
import { PORTS } from './helpers/ports.js';
import { makeWorld, OWN_MACS, putEndpoint, putFdb } from './helpers/world.js';

test.serial('a flood of new MACs stops before the table is full', async (t) => {
  const world = await makeWorld({ constants: { learned_max: 3 } });
  t.teardown(() => world.close());
  const mac = (i: number) => `02:00:00:00:01:${i.toString(16).padStart(2, '0')}`;
  const from = (i: number) => other(mac(i), PORTS.a.mac, i);
  const before = [0, 1, 2, 3].map((i) => ['learn', from(i)] as const);
  const setup = () => putEndpoint(world, 'learn', { learnMax: 100 });
  const got = outcomeOf(world, {
    name: '',
    setup,
    before,
    from: 'learn',
    frame: from(4),
    expect: { verdict: 'redirect' },
  });
  t.deepEqual(got.reasons, { learn_room: 1 });
  t.deepEqual(Object.keys(got.learned).sort(), [mac(0), mac(1), mac(2)]);
  t.true(OWN_MACS > 3, 'what is told is not counted');
  t.notThrows(() => putFdb(world, mac(5), 'a'));
});
