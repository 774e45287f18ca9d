/** One agent for each node, which nobody but root can keep from starting. */
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Lab, openLab, run } from '../system/helpers/lab.js';
import { eventually, start } from '../system/helpers/process.js';
import { startAgent } from './helpers/agent.js';

let lab: Lab;

test.beforeEach(async () => {
  lab = await openLab();
});
test.afterEach.always(async () => {
  await lab?.close();
});

/** Locks every path that it may open, names those, and stays. */
const HOLD = `for path; do
  exec {fd}<"$path" && flock -xn $fd && echo "locked $path"
done 2>/dev/null; echo done; exec sleep 100`;
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];

test.serial("another user's locks stop neither agent nor command", async (t) => {
  chmodSync(lab.root, 0o755);
  const a = await lab.container('a');
  await lab.must('attach', a);
  const former = await startAgent(t, lab);
  await former.stop('SIGKILL');
  // With what a killed agent leaves.
  const { stdout } = await run(['find', lab.root]);
  const paths = [...stdout.split('\n'), '/', '/run', '/tmp', '/var/lib'];
  const files = paths.map((path) => path.slice(lab.root.length));
  t.true(files.includes('/run/dpctl/agent.lock'), stdout);
  const user = start(t, lab.node, [...NOBODY, 'bash', '-c', HOLD, 'hold', ...paths]);
  await user.says(/done/);
  const locked = user.output().stdout.split('\n');
  t.true(locked.includes(`locked ${lab.root}`));
  t.deepEqual(
    locked.filter((line) => line.includes('/dpctl/')),
    [],
  );
  const agent = await startAgent(t, lab);
  await lab.must('attach', await lab.container('b'));
  await lab.must('attach', await lab.container('c'), '--direct');
  t.is((await agent.stop()).code, 0);
  await lab.must('reset', '--yes');
});

test.serial('a reset does not free the node for a second agent', async (t) => {
  const first = await startAgent(t, lab);
  for (const label of ['a', 'b']) {
    await lab.must('attach', await lab.container(label));
    const isTaken = () => readdirSync(join(lab.root, 'run/dpctl')).includes('agent.sock');
    t.true(await eventually(isTaken, 5000));
    const second = await lab.dpctl(['agent']);
    t.is(second.code, 5);
    t.regex(second.stderr, new RegExp(`AGENT_RUNNING.*process ${first.pid} is the agent`));
    await lab.must('reset', '--yes');
  }
  t.is((await first.stop()).code, 0);
  t.deepEqual(readdirSync(lab.root), []);
});

test.serial('an agent that slept through a reset ends when another one has the node', async (t) => {
  const first = await startAgent(t, lab);
  await lab.must('attach', await lab.container('a'));
  await first.says(/the API is open/);
  process.kill(first.pid, 'SIGSTOP');
  await lab.must('reset', '--yes', '--direct');
  const b = await lab.container('b');
  await lab.must('attach', b, '--direct');
  const second = await startAgent(t, lab);
  process.kill(first.pid, 'SIGCONT');
  const { code, stderr } = await first.ended();
  t.is(code, 5);
  t.regex(stderr, new RegExp(`AGENT_RUNNING.*process ${second.pid} is the agent`));
  // What the first one took with it was its own.
  await run(['ip', 'netns', 'del', b]);
  await second.logs(({ notes }) => notes?.some((note) => note.includes(b)) === true);
  await lab.must('status');
  t.is((await lab.dpctl(['agent'])).code, 5);
  t.is((await second.stop()).code, 0);
});
