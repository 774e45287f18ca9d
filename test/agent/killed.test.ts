/** An agent that is killed at any moment loses no traffic and no request. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { serviceOf } from '../../src/linux/service.js';
import { makeRandom } from '../helpers/random.js';
import { attach } from '../system/helpers/attached-containers.js';
import { type Lab, openLab } from '../system/helpers/lab.js';
import { eventually, sleep, start } from '../system/helpers/process.js';
import { startAgent } from './helpers/agent.js';

const KILLS = 12;
const PINGS = 4000;

let lab: Lab;
test.beforeEach(async () => {
  lab = await openLab();
});
test.afterEach.always(async () => {
  await lab?.close();
});

test.serial('an agent killed again and again during changes costs no packet', async (t) => {
  t.timeout(240_000);
  const seed = Date.now() % 1_000_000;
  t.log(`seed ${seed}`);
  const random = makeRandom(seed);
  const [a, b, c] = [await lab.container('a'), await lab.container('b'), await lab.container('c')];
  await attach(lab, a);
  const { ip4 } = await attach(lab, b);
  const ping = start(t, a, ['ping', '-q', '-i', '0.01', '-W', '2', '-c', `${PINGS}`, ip4]);
  let attached = false;
  for (let kills = 0; kills < KILLS; kills++) {
    const agent = await startAgent(t, lab);
    // A look and a command run at the same time.
    process.kill(agent.pid, 'SIGHUP');
    const command = lab.dpctl([attached ? 'detach' : 'attach', c]);
    await sleep(random.below(400));
    await agent.stop('SIGKILL');
    const { code, stderr } = await command;
    t.is(code, 0, stderr);
    attached = !attached;
  }
  await ping.stop('SIGINT');
  const counts = /(\d+) packets transmitted, (\d+) received/.exec(ping.output().stdout);
  const [, sent, received] = (counts ?? []).map(Number);
  t.log(`${received} of ${sent} packets over ${KILLS} kills`);
  t.true((sent ?? 0) > 500);
  // The last reply may still be on its way when ping ends.
  t.true((sent ?? 0) - (received ?? 0) <= 1);
  const agent = await startAgent(t, lab);
  t.is((await lab.dpctl(['status'])).code, 0);
  t.is((await lab.json<unknown[]>(['endpoints'])).length, attached ? 3 : 2);
  t.is((await agent.stop()).code, 0);
});

test.serial('the service manager is notified of start, liveness and end', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-notify-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'notify');
  const manager = start(t, '', ['socat', '-u', `UNIX-RECV:${path}`, 'STDOUT']);
  t.true(
    await eventually(() => {
      serviceOf({ NOTIFY_SOCKET: path }).notify('STATUS=test', '');
      return manager.output().stdout.includes('STATUS=test');
    }),
  );
  const agent = await startAgent(t, lab, [], { NOTIFY_SOCKET: path, WATCHDOG_USEC: '600000' });
  await manager.says(/READY=1\nSTATUS=all is as requested/);
  await manager.says(/WATCHDOG=1/);
  await agent.stop();
  await manager.says(/STOPPING=1/);
  // Nobody listens, which is no error.
  serviceOf({ NOTIFY_SOCKET: join(dir, 'nobody') }).notify('READY=1');
  t.is(serviceOf({ WATCHDOG_USEC: '5000000', WATCHDOG_PID: '1' }).watchdog, undefined);
});
