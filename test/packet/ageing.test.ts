/** Ageing of learned MACs in real time: the kernel's timers remove them, without a process. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { mapKeys } from '../../loader/map/entry.js';
import { type BpfMap, closeMap, openPinnedMap } from '../../loader/map/info.js';
import { type BpfObject, loadObject, openObject } from '../../loader/object/object.js';
import { pin } from '../../loader/pin.js';
import { closeProgram, openPinnedProgram } from '../../loader/program.js';
import { inNetns } from '../../loader/sys/netns.js';
import { testRun } from '../../loader/testrun.js';
import { MAPS } from '../../src/contract/generated.js';
import { other } from './cases/common.js';
import { withBpffs } from './helpers/bpffs.js';
import { learnedCount, learnedMacs, reasonsOf } from './helpers/case.js';
import { contextFor } from './helpers/context.js';
import { BROADCAST } from './helpers/frame.js';
import { PORTS } from './helpers/ports.js';
import {
  FDB_SIZE,
  fdbKey,
  getFdb,
  makeWorld,
  mapOf,
  putEndpoint,
  putNetwork,
  resetWorld,
  run,
  type World,
} from './helpers/world.js';

const MAC = '02:00:00:00:00:01';
const LEARN = other(MAC, PORTS.a.mac);
/** The table's clock has the resolution of jiffies, and timers are late on a busy machine. */
const SLACK = 700;

let world: World;
test.before(async () => {
  world = await makeWorld({ constants: { sleep_max: 1 } });
});
test.beforeEach(() => resetWorld(world));
test.after.always(() => world?.close());

function isKnown(): boolean {
  return getFdb(world, MAC, 'learn') !== undefined;
}

test.serial('a silent MAC is forgotten when its time is up, and its place is free', async (t) => {
  putNetwork(world, 1, { ageing: 2 });
  run(world, 'learn', LEARN);
  t.is(learnedCount(world, 'learn'), 1);
  await sleep(1000);
  t.true(isKnown());
  await sleep(1000 + SLACK);
  t.false(isKnown());
  t.is(learnedCount(world, 'learn'), 0);
});

test.serial('a MAC that keeps talking stays', async (t) => {
  putNetwork(world, 1, { ageing: 2 });
  for (let i = 0; i < 8; i++) {
    run(world, 'learn', LEARN);
    await sleep(500);
  }
  t.true(isKnown());
  t.is(learnedCount(world, 'learn'), 1);
});

test.serial('a longer ageing time holds for what is learned already', async (t) => {
  putNetwork(world, 1, { ageing: 1 });
  run(world, 'learn', LEARN);
  await sleep(500);
  putNetwork(world, 1, { ageing: 300 });
  await sleep(1500 + SLACK);
  t.true(isKnown());
});

test.serial('a shorter ageing time holds for what is learned already', async (t) => {
  putNetwork(world, 1, { ageing: 300 });
  run(world, 'learn', LEARN);
  await sleep(1200);
  t.true(isKnown());
  putNetwork(world, 1, { ageing: 1 });
  await sleep(1000 + SLACK);
  t.false(isKnown());
  t.is(learnedCount(world, 'learn'), 0);
});

test.serial('ageing time 0 forgets nothing until there is one', async (t) => {
  putNetwork(world, 1, { ageing: 0 });
  run(world, 'learn', LEARN);
  await sleep(2200);
  t.true(isKnown());
  putNetwork(world, 1, { ageing: 1 });
  await sleep(1000 + SLACK);
  t.false(isKnown());
});

test.serial('what was learned goes with its network', async (t) => {
  run(world, 'learn', LEARN);
  putNetwork(world, 1, { vni: 0 });
  await sleep(1000 + SLACK);
  t.false(isKnown());
  t.is(learnedCount(world, 'learn'), 0);
});

test.serial('what was learned goes with its endpoint', async (t) => {
  run(world, 'learn', LEARN);
  putEndpoint(world, 'learn', { id: 0 });
  await sleep(1000 + SLACK);
  t.false(isKnown());
  t.is(learnedCount(world, 'learn'), 0);
});

test.serial('a MAC that moved ages at its new port', async (t) => {
  putNetwork(world, 1, { ageing: 2 });
  putEndpoint(world, 'b', { flags: 2, learnMax: 1 });
  run(world, 'learn', LEARN);
  await sleep(1200);
  run(world, 'b', LEARN);
  await sleep(1300);
  t.deepEqual(learnedMacs(world), { [MAC]: 'b' });
  await sleep(700 + SLACK);
  t.deepEqual(learnedMacs(world), {});
  t.is(learnedCount(world, 'b'), 0);
});

test.serial('the kernel ages MACs without a process', async (t) => {
  await withBpffs(async (dir) => {
    const pinned = await makeWorld({ pinDir: dir });
    let learned: Record<string, string>;
    try {
      putNetwork(pinned, 1, { ageing: 1 });
      run(pinned, 'learn', LEARN);
      learned = learnedMacs(pinned);
    } finally {
      // Closes every descriptor: only pins and the timers themselves are left.
      await pinned.close();
    }
    await sleep(1000 + SLACK);
    t.deepEqual(learned, { [MAC]: 'learn' });
    const map = openPinnedMap(`${dir}/${MAPS.fdb.name}`);
    const vni100 = [...mapKeys(map)].map((key) => MAPS.fdb.key.decode(new DataView(key.buffer)));
    closeMap(map);
    t.true(vni100.length > 0);
    t.false(vni100.some(({ mac }) => Buffer.from(mac).equals(Buffer.from([2, 0, 0, 0, 0, 1]))));
  });
});

test.serial('an entry without an owner is unknown, and deleted by its timer', async (t) => {
  await withBpffs(async (dir) => {
    const own = await makeWorld({ pinDir: dir, constants: { sleep_max: 1 } });
    const path = join(import.meta.dirname, 'bpf/orphan.bpf.o');
    const maxEntries = { [MAPS.fdb.name]: FDB_SIZE };
    let helper: BpfObject | undefined;
    try {
      helper = openObject(path, { pinDir: dir, maxEntries });
      loadObject(helper);
      run(own, 'learn', LEARN);
      const program = helper.programs.get('orphan');
      if (program === undefined) throw new Error('the helper is not loaded');
      const data = new Uint8Array(14);
      data.set(fdbKey(MAC, 'learn'));
      t.is(testRun(program.fd, { data }).retval, 0);
      t.is(getFdb(own, MAC, 'learn')?.endpoint, 0);
      await sleep(2000 + SLACK);
      t.is(getFdb(own, MAC, 'learn'), undefined);
    } finally {
      helper?.close();
      await own.close();
    }
  });
});

test.serial('a MAC whose timer cannot be started is not learned', async (t) => {
  await withBpffs(async (dir) => {
    const own = await makeWorld();
    const opened: BpfMap[] = [];
    try {
      const program = own.object.programs.get('endpoint');
      if (program === undefined) throw new Error('the object is not loaded');
      pin(program.fd, `${dir}/endpoint`);
      // The kernel starts no timer in a map that has neither a descriptor nor a pin.
      for (const table of ['reason', 'learned'] as const) {
        pin(mapOf(own, table).fd, `${dir}/${MAPS[table].name}`);
      }
      own.object.close();
      const alone = openPinnedProgram(`${dir}/endpoint`);
      try {
        const ctx = contextFor(own.ifindex.learn);
        const data = other(MAC, BROADCAST);
        inNetns(own.netns.fd, () => testRun(alone.fd, { data, ctx }));
      } finally {
        closeProgram(alone);
      }
      for (const table of ['reason', 'learned'] as const) {
        opened.push(openPinnedMap(`${dir}/${MAPS[table].name}`));
      }
      const maps = new Map(opened.map((map) => [map.name, map]));
      const seen = { ...own, object: { ...own.object, maps } };
      t.deepEqual([...reasonsOf(seen)], [['timer', 1]]);
      t.is(learnedCount(seen, 'learn'), 0);
    } finally {
      for (const map of opened) closeMap(map);
      await own.close();
    }
  });
});
