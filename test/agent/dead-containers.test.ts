/** Containers that die: how soon their endpoints are removed. */
import test from 'ava';
import { closeFd, openFd } from '../../loader/sys/files.js';
import type { Node } from '../../src/control/node/node.js';
import { monitorRtnl } from '../../src/linux/netlink/monitor.js';
import { openLabNode } from '../helpers/node.js';
import { attach } from '../system/helpers/attached-containers.js';
import { type Crowd, newCrowd } from '../system/helpers/crowd.js';
import { type Lab, openLab, run } from '../system/helpers/lab.js';
import { eventually } from '../system/helpers/process.js';
import { LONG, percentile, spread, startAgent } from './helpers/agent.js';

const SIZE = 100;
/** How many of them die one by one. */
const ALONE = 60;

let lab: Lab;
let crowd: Crowd;
let node: Node;

test.before(async () => {
  lab = await openLab();
  await lab.must('network', 'add', 'many', '--subnet', '10.81.0.0/24');
  crowd = newCrowd(lab, 'many');
  await crowd.grow(SIZE);
  node = openLabNode(lab);
});
test.after.always(async () => {
  node?.close();
  // Most of its namespaces are already deleted.
  await crowd?.close().catch(() => {});
  await lab?.close();
});

/** Whether a command has finished that removed these endpoints. */
async function areGone(ids: ReadonlySet<number>): Promise<boolean> {
  const { state } = await node.store.load();
  return state.unfinished !== true && !state.endpoints.some(({ id }) => ids.has(id));
}

test.serial(
  `one of ${SIZE} endpoints dies: its entries, address and MAC are freed at once`,
  async (t) => {
    t.timeout(300_000);
    await startAgent(t, lab);
    /** When the kernel announced the deletion of each device. */
    const told = new Map<number, number>();
    const fd = openFd(`/run/netns/${lab.node}`);
    const stop = monitorRtnl(fd, (notices) => {
      if (notices === 'lost') return;
      for (const { about, gone, ifindex } of notices) {
        if (about === 'link' && gone && !told.has(ifindex)) told.set(ifindex, performance.now());
      }
    });
    closeFd(fd);
    const whole: number[] = [];
    const own: number[] = [];
    try {
      for (const { ns, id, ifindex } of crowd.members.slice(0, ALONE)) {
        const { ifindex: number = ifindex } =
          (await node.store.load()).state.endpoints.find((each) => each.id === id) ?? {};
        await run(['ip', 'netns', 'del', ns]);
        const start = performance.now();
        t.true(await eventually(() => areGone(new Set([id])), 10_000, 1));
        const end = performance.now();
        whole.push(end - start);
        const since = told.get(number);
        if (since !== undefined) own.push(end - since);
      }
    } finally {
      stop();
    }
    t.log(`from the end of \`ip netns del\`: ${spread(whole)}`);
    t.log(`from the kernel's notice, which is the agent's own: ${spread(own)}`);
    t.true(own.length > ALONE / 2, `${own.length} notices`);
    t.true(percentile(own, 50) < LONG);
    t.deepEqual((await lab.json<unknown[]>(['endpoints'])).length, SIZE - ALONE);
    t.is((await lab.dpctl(['status'])).code, 0);
  },
);

test.serial('many containers die at the same moment', async (t) => {
  const agent = await startAgent(t, lab);
  const dying = crowd.members.slice(ALONE);
  const ids = new Set(dying.map(({ id }) => id));
  const stdin = Buffer.from(dying.map(({ ns }) => `netns del ${ns}\n`).join(''));
  await run(['ip', '-force', '-batch', '-'], { stdin });
  const start = performance.now();
  t.true(await eventually(() => areGone(ids), 20_000, 5));
  t.log(`${dying.length}: ${(performance.now() - start).toFixed(0)} ms from the end of the last`);
  t.deepEqual(await lab.json<unknown[]>(['endpoints']), []);
  t.is((await lab.dpctl(['status'])).code, 0);
  t.deepEqual(
    agent.lines().filter(({ level }) => level !== 'info'),
    [],
  );
});

test.serial("a dead endpoint's address and MAC go to the next one", async (t) => {
  await startAgent(t, lab);
  const ns = await lab.container('next');
  t.is((await attach(lab, ns, '--network', 'many')).ip4, '10.81.0.2');
});
