/** Requests of user space to the control program. */
import test from 'ava';
import { clockTickHz } from '../../loader/sys/machine.js';
import { testRun } from '../../loader/testrun.js';
import { ControlOp, MAPS } from '../../src/contract/generated.js';
import { other } from './cases/common.js';
import { learnedCount } from './helpers/case.js';
import { PORTS } from './helpers/ports.js';
import {
  clock,
  control,
  fdbKey,
  getFdb,
  makeWorld,
  putFdb,
  resetWorld,
  run,
  type World,
} from './helpers/world.js';

const MAC = '02:00:00:00:00:01';
const ENOENT = -2;
const EPERM = -1;
const EAGAIN = -11;
const EOPNOTSUPP = -95;

let world: World;
test.before(async () => {
  world = await makeWorld();
});
test.beforeEach(() => resetWorld(world));
test.after.always(() => world?.close());

function forget(address: string): number {
  const key = fdbKey(address, 'learn');
  const fdb = MAPS.fdb.key.decode(new DataView(key.buffer));
  return control(world, { op: ControlOp.FDB_FORGET, fdb }).result;
}

test.serial('the clock is the one that last_seen is written by', (t) => {
  const before = clock(world);
  run(world, 'learn', other(MAC, PORTS.a.mac));
  const seen = getFdb(world, MAC, 'learn')?.lastSeen ?? 0n;
  const after = clock(world);
  t.true(before <= seen && seen <= after);
  t.true(after - before < BigInt(clockTickHz()));
});

test.serial('a learned MAC is forgotten together with its count', (t) => {
  run(world, 'learn', other(MAC, PORTS.a.mac));
  t.is(learnedCount(world, 'learn'), 1);
  t.is(forget(MAC), 0);
  t.is(getFdb(world, MAC, 'learn'), undefined);
  t.is(learnedCount(world, 'learn'), 0);
  t.is(forget(MAC), ENOENT);
  t.is(learnedCount(world, 'learn'), 0);
});

test.serial('what was forgotten is learned again', (t) => {
  for (let round = 0; round < 3; round++) {
    run(world, 'learn', other(MAC, PORTS.a.mac));
    t.is(learnedCount(world, 'learn'), 1);
    t.is(forget(MAC), 0);
  }
});

test.serial('a static MAC is not deleted by a forget request', (t) => {
  putFdb(world, MAC, 'learn');
  t.is(forget(MAC), EPERM);
  t.is(forget(PORTS.learn.mac), EPERM);
  t.not(getFdb(world, MAC, 'learn'), undefined);
});

test.serial('an entry that is being removed: ask again', (t) => {
  putFdb(world, MAC, 'learn', { flags: 0, ifindex: 0, endpoint: 0 });
  t.is(forget(MAC), EAGAIN);
});

test.serial('a request that it does not know', (t) => {
  t.is(control(world, { op: 99 as ControlOp }).result, EOPNOTSUPP);
});

test.serial('a request that is too short', (t) => {
  const program = world.object.programs.get('control');
  if (program === undefined) throw new Error('the object has no program control');
  t.is(testRun(program.fd, { data: new Uint8Array(20) }).retval, -1);
});
