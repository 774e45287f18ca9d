/** Learning on two CPUs at once while user space deletes: counts stay correct. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'ava';
import { pin } from '../../loader/pin.js';
import { ControlOp, EndpointFlags, MAPS } from '../../src/contract/generated.js';
import { other } from './cases/common.js';
import { withBpffs } from './helpers/bpffs.js';
import { learnedCount, learnedMacs } from './helpers/case.js';
import { PORTS, type PortName } from './helpers/ports.js';
import {
  control,
  fdbKey,
  getFdb,
  makeWorld,
  putEndpoint,
  putNetwork,
  type World,
} from './helpers/world.js';

const MAC = '02:00:00:00:00:01';
const FRAME = other(MAC, PORTS.a.mac);
const HAMMER = join(import.meta.dirname, 'helpers/run-program-repeatedly.js');
const MILLISECONDS = 1200;

async function hammer(world: World, dir: string, from: PortName): Promise<number> {
  const netns = `/proc/${process.pid}/fd/${world.netns.fd}`;
  const frame = Buffer.from(FRAME).toString('hex');
  const argv = [HAMMER, `${dir}/endpoint`, netns, `${world.ifindex[from]}`, frame];
  const { stdout } = await promisify(execFile)(process.execPath, [...argv, `${MILLISECONDS}`]);
  return Number(stdout);
}

test('two ports fight for a MAC, and user space forgets it', async (t) => {
  await withBpffs(async (dir) => {
    const world = await makeWorld({ constants: { sleep_max: 1 } });
    try {
      const program = world.object.programs.get('endpoint');
      if (program === undefined) throw new Error('the object is not loaded');
      pin(program.fd, `${dir}/endpoint`);
      putEndpoint(world, 'b', { flags: EndpointFlags.LEARN, learnMax: 2 });
      const key = fdbKey(MAC, 'learn');
      const fdb = MAPS.fdb.key.decode(new DataView(key.buffer));

      let busy = true;
      const runs = Promise.all([hammer(world, dir, 'learn'), hammer(world, dir, 'b')]);
      const done = runs.finally(() => {
        busy = false;
      });
      const owners = new Set<number>();
      let forgotten = 0;
      while (busy) {
        const entry = getFdb(world, MAC, 'learn');
        if (entry) owners.add(entry.endpoint);
        if (control(world, { op: ControlOp.FDB_FORGET, fdb }).result === 0) forgotten += 1;
        await sleep(1);
      }
      const counts = await done;
      t.log(`${counts.join(' and ')} frames, forgotten ${forgotten} times`);
      t.true(forgotten > 10);
      t.true(owners.size >= 2);

      const there = Object.values(learnedMacs(world));
      t.is(learnedCount(world, 'learn'), there.filter((port) => port === 'learn').length);
      t.is(learnedCount(world, 'b'), there.filter((port) => port === 'b').length);

      putNetwork(world, 1, { ageing: 1 });
      await sleep(2200);
      t.deepEqual(learnedMacs(world), {});
      t.is(learnedCount(world, 'learn'), 0);
      t.is(learnedCount(world, 'b'), 0);
    } finally {
      await world.close();
    }
  });
});
