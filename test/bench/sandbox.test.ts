/** Everything that a run makes is removed, however the run ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { openSandbox, sweep } from '../../src/bench/subjects/sandbox.js';
import { command, testRequiring } from '../helpers/requirements.js';
import { DPCTL, run } from '../system/helpers/lab.js';
import { eventually } from '../system/helpers/process.js';

const FOLDERS = ['/run', '/dev/shm'];

/** Everything on the machine whose name has the pid of a run. */
function thingsOf(pid: number): string[] {
  const own = new RegExp(`dpb${pid}-`);
  return [
    ...[...FOLDERS, '/run/netns'].flatMap((dir) =>
      (existsSync(dir) ? readdirSync(dir) : []).filter((name) => own.test(name)),
    ),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => own.test(line)),
  ];
}

async function processesIn(spaces: readonly string[]): Promise<number[]> {
  const lists = await Promise.all(spaces.map((name) => run(['ip', 'netns', 'pids', name])));
  return lists.flatMap(({ stdout }) => stdout.split('\n').map(Number).filter(Boolean));
}

/** Whether a process runs. A zombie is still listed until its exit code is read. */
function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return false;
  }
}

test.serial(
  'a sandbox removes everything that it made, last first, and continues after a failure',
  (t) => {
    const sandbox = openSandbox();
    const order: string[] = [];
    const { name } = sandbox.namespace('a');
    const dir = sandbox.folder('b');
    const bpffs = sandbox.bpffs('c');
    sandbox.defer(() => order.push('first'));
    sandbox.defer(() => {
      throw new Error('done already');
    });
    sandbox.defer(() => order.push('last'));
    t.true(existsSync(`/run/netns/${name}`) && existsSync(dir) && existsSync(bpffs));
    const warned = once(process, 'warning');
    sandbox.close();
    sandbox.close();
    t.deepEqual(order, ['last', 'first']);
    t.deepEqual(thingsOf(process.pid), []);
    return warned.then(([warning]) => t.regex(String(warning), /not cleaned up.*done already/));
  },
);

test.serial('a run removes leftovers of earlier ones, and leaves running ones alone', (t) => {
  const sandbox = openSandbox();
  t.teardown(() => sandbox.close());
  const { name } = sandbox.namespace('a');
  t.false(sweep().includes(name));
  t.true(existsSync(`/run/netns/${name}`));
});

const withTools = testRequiring(command('iperf3'), command('sockperf'), command('socat'));

/** Start a run, wait until its servers run in its namespaces, then end it. */
async function interrupted(signal: NodeJS.Signals): Promise<{
  readonly pid: number;
  readonly code: number | null;
  readonly stderr: string;
  readonly processes: readonly number[];
}> {
  const argv = [DPCTL, 'bench', '--quick', '--only', 'same-node'];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const pid = child.pid ?? 0;
  let stderr = '';
  let stdout = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  const ended = once(child, 'close');
  const spaces = () => thingsOf(pid).filter((name) => /^dpb\d+-0-d-/.test(name));
  let processes: number[] = [];
  // The servers of dpctl's own pair start near the end of the set-up.
  const ready = await eventually(
    async () => {
      processes = await processesIn(spaces());
      return processes.length >= 3;
    },
    30_000,
    100,
  );
  child.kill(signal);
  const [code] = (await ended) as [number | null];
  if (!ready) throw new Error(`it never got to its traffic: ${stderr}`);
  if (stdout !== '') throw new Error(`it printed ${stdout}`);
  return { pid, code, stderr, processes };
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  withTools.serial(`${signal} ends a run with nothing left`, async (t) => {
    const end = await interrupted(signal);
    t.is(end.code, code);
    t.deepEqual(thingsOf(end.pid), []);
    t.true(await eventually(() => !end.processes.some(alive)));
  });
}

withTools.serial('after SIGKILL the next run cleans up', async (t) => {
  const { pid, processes } = await interrupted('SIGKILL');
  t.true(thingsOf(pid).length > 0, 'nobody could clean up');
  t.true(sweep().length > 0);
  t.deepEqual(thingsOf(pid), []);
  t.true(await eventually(() => !processes.some(alive)));
});
