import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { REPEAT } from '../../loader/hint.js';
import { hintText } from '../../src/model/hint.js';
import { invariants } from '../../src/model/state/invariants.js';
import { EMPTY_STATE } from '../../src/model/state/state.js';
import { openFileStore } from '../../src/store/file.js';
import { testRequiring } from '../helpers/requirements.js';
import { crashCases, directories, NOTHING, stateOf, temporary } from './helpers/states.js';

const asRoot = testRequiring(() => (process.getuid?.() === 0 ? undefined : 'root'));
const CHILD = fileURLToPath(new URL('helpers/child.js', import.meta.url));

function place(t: ExecutionContext): string {
  const dir = temporary();
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function child(...args: string[]) {
  return spawnSync(process.execPath, [CHILD, ...args], {
    encoding: 'utf8',
    timeout: 30_000,
  });
}

/** The steps of a save, each reported before it is taken. */
async function stepsOf(t: ExecutionContext, name: string): Promise<string[]> {
  const dir = place(t);
  await openFileStore(directories(dir)).save(NOTHING, crashCases()[name]?.before ?? EMPTY_STATE);
  return child(dir, 'save', 'none', name).stdout.trim().split('\n');
}

for (const [name, { before, after }] of Object.entries(crashCases())) {
  test(`killed at any step of a save, the state is sound (${name})`, async (t) => {
    const steps = await stepsOf(t, name);
    t.true(steps.length >= 6, String(steps));
    for (const step of steps) {
      const dir = place(t);
      const store = openFileStore(directories(dir));
      await store.save(NOTHING, before);
      const { signal } = child(dir, 'save', step, name);
      t.is(signal, 'SIGKILL', step);

      const found = await store.load();
      const left = found.state;
      t.deepEqual(invariants(left), [], step);
      const endpoints = [before.endpoints, after.endpoints].map((list) => JSON.stringify(list));
      t.true(endpoints.includes(JSON.stringify(left.endpoints)), step);
      // A command that finds another state than the kernel's must inspect the whole node.
      t.true(
        isDeepStrictEqual(left, before) ||
          left.unfinished === true ||
          isDeepStrictEqual(left, after),
        step,
      );

      // The next command finds the lock free, cleans up, and finishes.
      const release = await store.lock();
      await store.save(found, after);
      release();
      t.deepEqual((await store.load()).state, after);
      const names = [...readdirSync(join(dir, 'run')), ...readdirSync(join(dir, 'state'))];
      t.deepEqual(
        names.filter((each) => each.endsWith('.tmp')),
        [],
        step,
      );
    }
  });
}

for (const [name, { before, after }] of Object.entries(crashCases())) {
  test(`what a failed save left is not taken for what was to be there (${name})`, async (t) => {
    for (const failing of await stepsOf(t, name)) {
      let armed = false;
      const checkpoint = (step: string): void => {
        if (armed && step === failing) throw new DpctlError('TEST', step);
      };
      const store = openFileStore({ ...directories(place(t)), checkpoint });
      const saved = await store.save(NOTHING, before);
      armed = true;
      const failure = { instanceOf: DpctlError, code: 'TEST' };
      await t.throwsAsync(store.save(saved, after), failure, failing);
      armed = false;
      // Like a command that undoes its steps: it is unknown how much of `after` exists.
      await store.save(saved, before);
      t.deepEqual((await store.load()).state, before, failing);
    }
  });
}

test('a save of another process is not overwritten', async (t) => {
  const dir = place(t);
  const [one, two] = [openFileStore(directories(dir)), openFileStore(directories(dir))];
  const { before, after } = crashCases().swap ?? { before: EMPTY_STATE, after: EMPTY_STATE };
  const seen = await one.save(NOTHING, before);
  const theirs = await two.save(await two.load(), after);
  t.true(theirs.revision > seen.revision);
  // It has not read the file since, and assumes that only the endpoints differ.
  const fewer = { ...before, endpoints: before.endpoints.slice(1) };
  const error = await t.throwsAsync(one.save(seen, fewer), { instanceOf: DpctlError });
  t.like(error, { code: 'STORE_CONFLICT', exitCode: 5, hint: REPEAT });
  t.like(error?.details, { loaded: seen.revision, found: theirs.revision });
  t.deepEqual((await one.load()).state, after);
  // After another load, the writer may continue.
  await one.save(await one.load(), fewer);
  t.deepEqual((await two.load()).state, fewer);
});

asRoot('a leftover that cannot be removed does not keep the lock', async (t) => {
  const dir = place(t);
  const { runDir } = directories(dir);
  const store = openFileStore(directories(dir));
  await store.save(NOTHING, stateOf(1));
  const stuck = join(runDir, '.endpoints.json.1.tmp');
  writeFileSync(stuck, '');
  // A mount point cannot be removed.
  t.is(spawnSync('mount', ['--bind', '/dev/null', stuck]).status, 0);
  t.teardown(() => spawnSync('umount', [stuck]));
  const error = await t.throwsAsync(store.lock(), { instanceOf: DpctlError });
  t.regex(error?.message ?? '', /EBUSY/);
  spawnSync('umount', [stuck]);
  const other = child(dir, 'attach', '1');
  t.is(other.status, 0, other.stderr);
  t.is((await store.load()).state.endpoints.length, 2);
});

asRoot('a full disk leaves what was saved', async (t) => {
  const dir = place(t);
  const { runDir } = directories(dir);
  mkdirSync(runDir, { recursive: true });
  const mounted = spawnSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    'size=64k',
    `dpctl-${process.pid}`,
    runDir,
  ]);
  t.is(mounted.status, 0, String(mounted.stderr));
  t.teardown(() => spawnSync('umount', [runDir]));
  const store = openFileStore(directories(dir));
  const small = stateOf(2);
  const saved = await store.save(NOTHING, small);
  const error = await t.throwsAsync(store.save(saved, stateOf(500)), { instanceOf: DpctlError });
  t.is(error?.code, 'STORE_UNAVAILABLE');
  t.is(error?.exitCode, 5);
  t.regex(error?.message ?? '', /endpoints\.json: ENOSPC/);
  t.regex(hintText(error?.hint), /free space/);
  t.deepEqual((await store.load()).state, small);
  t.deepEqual(readdirSync(runDir), ['endpoints.json', 'state.copy.json']);
});

asRoot('missing permissions are reported', async (t) => {
  const dir = place(t);
  await openFileStore(directories(dir)).save(NOTHING, stateOf(1));
  chmodSync(dir, 0o755);
  const read = child(dir, 'load', 'nobody');
  t.regex(read.stdout, /^STORE_UNAVAILABLE 5: cannot read .*state\.json: EACCES/, read.stderr);
  const write = child(dir, 'hold', 'nobody');
  t.regex(write.stderr, /STORE_UNAVAILABLE/);
  t.regex(write.stderr, /sudo dpctl/);
});
