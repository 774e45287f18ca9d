/**
 * Too few file descriptors, from the minimum for Node to as many as a command needs: each failure is
 * reported with the right cause and remedy, and changes nothing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DPCTL, type Lab, openLab, type Ran } from '../system/helpers/lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();

  await lab.must('network', 'add', 'lan', '--subnet', '10.63.0.0/24', '--gateway', '--masquerade');
});
test.after.always(() => lab?.close());

/** More than any command needs. */
const ENOUGH = 60;

function withDescriptors(count: number, args: readonly string[]): Promise<Ran> {
  const limit = `--nofile=${count}:${count}`;
  return lab.inside(lab.node, ['prlimit', limit, process.execPath, DPCTL, ...args, '-j'], {
    env: { DPCTL_ROOT: lab.root },
  });
}

const records = (): string =>
  ['run/dpctl/endpoints.json', 'var/lib/dpctl/state.json']
    .map((path) => readFileSync(join(lab.root, path), 'utf8'))
    // A change that was undone has increased the revision too.
    .map((text) => text.replaceAll(/^ {2}"(check|revision)": .*\n/gm, ''))
    .join();

/** Node itself did not reach the command: it crashed, or could not read a module. */
const isNodes = ({ code, stderr }: Ran): boolean => code > 128 || /^node:|\n +at /.test(stderr);

async function sweep(t: ExecutionContext, args: readonly string[]): Promise<void> {
  const line = args.join(' ');
  let refused = 0;
  for (let count = 19; count <= ENOUGH; count++) {
    const before = records();
    const ran = await withDescriptors(count, args);
    if (ran.code === 0) break;
    if (refused === 0 && isNodes(ran)) continue;
    refused++;
    t.is(ran.code, line === 'status' || ran.code === 5 ? ran.code : 2, `${line} ${count}`);
    const { code, msg, hint } = JSON.parse(ran.stderr) as {
      code: string;
      msg: string;
      hint: string;
    };
    t.regex(msg, /EMFILE/, `${line} with ${count}: ${code}`);
    t.regex(hint, /ulimit -n 1024/, `${line} with ${count}: ${msg}`);
    // The next command finishes a change that cannot be undone, and the message says so.
    if (!/half done/.test(msg)) t.is(records(), before, `${line} with ${count} changed something`);
  }
  t.true(refused > 3, `${line}: ${refused} were too few`);
}

test.serial('a command that has too few descriptors says so, and changes nothing', async (t) => {
  t.timeout(400_000);
  await sweep(t, ['attach', `${lab.node}new`, '--create', '--network', 'lan']);
  t.is((await lab.json<unknown[]>(['endpoints'])).length, 1);
  await sweep(t, ['status']);
  await sweep(t, ['detach', `${lab.node}new`]);
  t.is((await lab.dpctl(['status'])).code, 0);
});
