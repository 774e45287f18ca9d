/** Events that make an agent look, or end. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { serviceOf } from '../../src/linux/service.js';
import { type Lab, openLab, run } from '../system/helpers/lab.js';
import { eventually, type Running, sleep, start } from '../system/helpers/process.js';
import { startAgent } from './helpers/agent.js';

let lab: Lab;

test.beforeEach(async () => {
  lab = await openLab();
});
test.afterEach.always(async () => {
  await lab?.close();
});

/** A service manager, and how often it was told of a full look. */
async function startManager(t: ExecutionContext) {
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-notify-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'notify');
  const manager: Running = start(t, '', ['socat', '-u', `UNIX-RECV:${path}`, 'STDOUT']);
  const isUp = () => {
    serviceOf({ NOTIFY_SOCKET: path }).notify('X=1');
    return manager.output().stdout !== '';
  };
  t.true(await eventually(isUp));
  const looks = (): number => manager.output().stdout.split('STATUS=').length - 1;
  return { path, looks };
}

test.serial('addresses and routes to other nodes start a look', async (t) => {
  t.timeout(240_000);
  const ip = (...words: string[]) => run(['ip', '-n', lab.node, ...words]);
  await ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1');
  await ip('addr', 'add', '192.0.2.1/24', 'dev', 'up0');
  for (const name of ['up0', 'up1']) await ip('link', 'set', name, 'up');
  await lab.must('attach', await lab.container('a'));
  const { path, looks } = await startManager(t);
  await startAgent(t, lab, [], { NOTIFY_SOCKET: path });
  let hasUnderlay = false;
  /** How many looks it causes, when all is quiet again. */
  const causes = async (...words: string[]): Promise<number> => {
    let before = -1;
    while (before !== looks()) {
      before = looks();
      await sleep(800);
    }
    t.is((await ip(...words)).code, 0, words.join(' '));
    await eventually(() => looks() > before, hasUnderlay ? 20_000 : 3000);
    return looks() - before;
  };
  t.is(await causes('addr', 'add', '192.0.2.3/24', 'dev', 'up0'), 0, 'there is no underlay');
  // The verifier takes long where much else runs.
  const set = await lab.dpctl(['underlay', 'set', 'up0'], { timeout: 120_000 });
  t.is(set.code, 0, set.stderr);
  hasUnderlay = true;
  await lab.must('node', 'add', 'n2', '--vtep', '198.51.100.2');
  t.true((await causes('route', 'add', '198.51.100.0/24', 'via', '192.0.2.2')) > 0, 'a route');
  t.true((await causes('route', 'del', '198.51.100.0/24')) > 0, 'a route that goes');
  t.true((await causes('addr', 'add', '192.0.2.4/24', 'dev', 'up0')) > 0, 'an address');
  t.true((await causes('addr', 'del', '192.0.2.4/24', 'dev', 'up0')) > 0, 'one that goes');
  t.true((await causes('-6', 'addr', 'add', '2001:db8::1/64', 'dev', 'up0', 'nodad')) > 0, 'IPv6');
});

test.serial('a full look makes up for notices that the kernel dropped', async (t) => {
  const [a, b] = [await lab.container('a'), await lab.container('b')];
  for (const ns of [a, b]) await lab.must('attach', ns);
  const agent = await startAgent(t, lab, ['--log-level', 'debug']);
  await run(['ip', '-n', lab.node, 'link', 'add', 'other', 'type', 'veth', 'peer', 'name', 'more']);
  // Only of a device that is up does the kernel report a changed alias.
  await run(['ip', '-n', lab.node, 'link', 'set', 'other', 'up']);
  const batch = Array.from({ length: 10_000 }, (_, n) => `link set other alias ${n}\n`).join('');
  const file = join(lab.root, 'batch');
  writeFileSync(file, batch);
  process.kill(agent.pid, 'SIGSTOP');
  await lab.within(lab.node, 'ip', '-batch', file);
  // The socket's buffer of 8 MiB is full: the kernel sends no notice of these.
  await run(['ip', 'netns', 'del', a]);
  const rows = await lab.json<{ ns: string; host_ifname: string }[]>(['endpoints', '--direct']);
  const hostEnd = rows.find((row) => row.ns === b)?.host_ifname ?? '';
  t.is((await run(['ip', '-n', lab.node, 'link', 'set', hostEnd, 'down'])).code, 0);
  process.kill(agent.pid, 'SIGCONT');
  await agent.logs(({ msg }) => /dropped notices/.test(msg));
  await agent.logs(({ notes }) => notes?.some((note) => note.includes(a)) === true);
  await agent.logs(({ steps }) => steps?.some((step) => step.includes('host.set')) === true);
  rmSync(file);
});

test.serial(
  'an agent ends when dpctl is replaced, and the next one is of the new build',
  async (t) => {
    t.timeout(120_000);
    const dir = mkdtempSync(join(tmpdir(), 'dpctl-installed-'));
    t.teardown(() => rmSync(dir, { recursive: true }));
    const root = new URL('../../..', import.meta.url).pathname;
    const install = (): void => {
      const { status, stderr } = spawnSync(join(root, 'scripts/install.sh'), ['', dir], {
        encoding: 'utf8',
      });
      t.is(status, 0, stderr);
    };
    install();
    const bin = join(dir, 'bin/dpctl');
    await lab.must('attach', await lab.container('a'));
    const agent = await startAgent(t, lab, [], {}, bin);
    // While it is being replaced there is none that could be started.
    const program = join(dir, 'lib/dpctl/dist/dpctl.cjs');
    renameSync(program, `${program}.away`);
    process.kill(agent.pid, 'SIGHUP');
    await sleep(1000);
    t.is(agent.output().code, -1, agent.output().stderr);
    renameSync(`${program}.away`, program);
    // The same bytes, but another file.
    install();
    const { code, stderr } = await agent.ended(20_000);
    t.is(code, 5);
    t.regex(stderr, /AGENT_OUTDATED/);
    t.false(readdirSync(join(lab.root, 'run/dpctl')).includes('agent.sock'));
    const next = await startAgent(t, lab, [], {}, bin);
    t.is((await next.stop()).code, 0);
  },
);
