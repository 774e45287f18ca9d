/** Which changes of its node the agent reacts to, and which it ignores. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { differences, takeSnapshot } from '../helpers/snapshot.js';
import { attach } from '../system/helpers/attached-containers.js';
import { type Lab, openLab, run } from '../system/helpers/lab.js';
import { eventually, sleep, start } from '../system/helpers/process.js';
import { cpuMs, heldNamespaces, holdings, residentKiB, startAgent } from './helpers/agent.js';

/** A row of `dpctl endpoints` in JSON. */
interface Row {
  readonly ns: string;
  readonly state: string;
  readonly host_ifname: string;
}

let lab: Lab;

test.beforeEach(async () => {
  lab = await openLab();
});
test.afterEach.always(async () => {
  await lab?.close();
});

const hostEnd = async (ns: string): Promise<string> => {
  const rows = await lab.json<Row[]>(['endpoints']);
  return rows.find((row) => row.ns === ns)?.host_ifname ?? '';
};
const linkOf = (name: string) => run(['ip', '-n', lab.node, '-br', 'link', 'show', name]);
const isHealthy = async () => (await lab.dpctl(['status'])).code === 0;

test.serial('changes of a host end are repaired', async (t) => {
  const a = await lab.container('a');
  await lab.must('attach', a);
  const agent = await startAgent(t, lab);
  const name = await hostEnd(a);
  await run(['ip', '-n', lab.node, 'link', 'set', name, 'down']);
  await agent.logs(({ steps }) => steps?.some((step) => step.includes('host.set')) === true);
  t.true(/UP/.test((await linkOf(name)).stdout));
  await run(['ip', '-n', lab.node, 'link', 'del', name]);
  await agent.logs(({ steps }) => steps?.some((step) => step.includes('pair.create')) === true);
  t.true(await isHealthy());
  const [row] = await lab.json<Row[]>(['endpoints']);
  t.is(row?.state, 'ready');
});

test.serial('a killed command is finished, and a running one is not disturbed', async (t) => {
  const [a, b] = [await lab.container('a'), await lab.container('b')];
  await lab.must('attach', a);
  const agent = await startAgent(t, lab);
  const killed = await lab.dpctl(['attach', b], { env: { DPCTL_FAULT: 'step.2' } });
  t.not(killed.code, 0);
  await agent.logs(({ look, steps }) => look === 'full' && (steps?.length ?? 0) > 0);
  const rows = await lab.json<Row[]>(['endpoints']);
  t.deepEqual(rows.map(({ ns, state }) => `${ns} ${state}`).sort(), [`${a} ready`, `${b} ready`]);
  t.true(await isHealthy());
});

test.serial('a node has one agent, and the next can start when it has ended', async (t) => {
  await lab.must('attach', await lab.container('a'));
  const first = await startAgent(t, lab);
  const second = await lab.dpctl(['agent']);
  t.is(second.code, 5);
  t.regex(second.stderr, new RegExp(`AGENT_RUNNING.*process ${first.pid} is the agent`));
  await first.stop('SIGKILL');
  const third = await startAgent(t, lab);
  t.is((await third.stop()).code, 0);
});

test.serial('an unused node stays unused', async (t) => {
  const agent = await startAgent(t, lab);
  process.kill(agent.pid, 'SIGHUP');
  await sleep(300);
  t.deepEqual(readdirSync(lab.root), []);
  // Refused before anything is made, and after everything is.
  const ns = await lab.container('a');
  for (const [words, env] of [
    [['attach', 'nowhere'], {}],
    [['attach', ns, '--ip', '192.0.2.1'], {}],
    [['attach', ns], { DPCTL_FAULT_ERROR: 'node.installed' }],
    [['attach', ns], { DPCTL_FAULT_ERROR: 'step.3' }],
  ] as const) {
    t.not((await lab.dpctl(words, { env })).code, 0);
    await sleep(600);
    t.deepEqual(readdirSync(lab.root), [], words.join(' '));
  }
});

test.serial(
  'reset with a running agent leaves nothing, and the agent cares for later endpoints',
  async (t) => {
    const agent = await startAgent(t, lab);
    for (const round of [1, 2, 3]) {
      const [a, b] = [await lab.container(`a${round}`), await lab.container(`b${round}`)];
      await lab.must('attach', a);
      await lab.must('attach', b);
      await run(['ip', 'netns', 'del', a]);
      await agent.logs(({ notes }) => notes?.some((note) => note.includes(a)) === true);
      t.true(await isHealthy());
      // Events request full looks within the same millisecond.
      const reset = lab.must('reset', '--yes');
      for (let hangups = 0; hangups < 10; hangups++) {
        process.kill(agent.pid, 'SIGHUP');
        await sleep(20);
      }
      await reset;
      await sleep(300);
      t.false(existsSync(join(lab.root, 'run')), 'directories');
      t.false(existsSync(join(lab.root, 'var')), 'directories');
      t.is((await run(['ip', '-n', lab.node, '-br', 'link'])).stdout.split('\n').length, 1);
      const maps = (): number =>
        holdings(agent.pid).filter((target) => target.includes('bpf-map')).length;
      // The look that the reset causes closes them.
      t.true(await eventually(() => maps() === 0, 5_000), `${maps()} maps are open`);
    }
  },
);

test.serial('SIGTERM ends the agent within a second, and traffic goes on', async (t) => {
  const [a, b] = [await lab.container('a'), await lab.container('b')];
  const [, to] = [await attach(lab, a), await attach(lab, b)];
  const agent = await startAgent(t, lab);
  const ping = start(t, a, ['ping', '-q', '-i', '0.01', '-c', '200', to.ip4]);
  await sleep(300);
  const before = await takeSnapshot(lab, [a, b]);
  const begin = performance.now();
  const { code } = await agent.stop('SIGTERM');
  const took = performance.now() - begin;
  t.is(code, 0);
  t.true(took < 1500, `${took} ms`);
  const gone = differences(before, await takeSnapshot(lab, [a, b])).map((line) =>
    line.replace(/ \{.*/, ''),
  );
  t.deepEqual(gone, ['- files: /run/dpctl/agent.lock', '- files: /run/dpctl/agent.sock']);
  t.regex((await ping.ended()).stdout, /200 packets transmitted, 200 received/);
  t.is((await startAgent(t, lab).then((next) => next.stop('SIGINT'))).code, 0);
});

test.serial(
  'the agent does not grow over hundreds of looks, and idles when nothing happens',
  async (t) => {
    t.timeout(300_000);
    const names = [];
    for (const label of ['a', 'b', 'c']) names.push(await lab.container(label));
    for (const ns of names) await lab.must('attach', ns);
    const agent = await startAgent(t, lab, [], { NODE_OPTIONS: '--max-semi-space-size=1' });
    const looks = async (count: number) => {
      for (let look = 0; look < count; look++) {
        process.kill(agent.pid, 'SIGHUP');
        await sleep(15);
      }
      await sleep(2000);
    };
    await looks(150);
    const [before, held] = [residentKiB(agent.pid), holdings(agent.pid).length];
    await looks(300);
    const grown = residentKiB(agent.pid) - before;
    t.is(holdings(agent.pid).length, held);
    t.true(grown < 24_576, `${grown} KiB`);
    const used = cpuMs(agent.pid);
    await sleep(5000);
    const idle = cpuMs(agent.pid) - used;
    t.log(`grown by ${grown} KiB; ${idle} ms of processor time in 5 s without an event`);
    t.true(idle < 500, `${idle} ms`);
    // The only namespace that it holds open is the node's.
    t.deepEqual(heldNamespaces(agent.pid), [statSync(`/run/netns/${lab.node}`).ino]);
  },
);
