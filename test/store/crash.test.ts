import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { invariants } from '../../src/model/invariants.js';
import { EMPTY_STATE } from '../../src/model/state.js';
import { openFileStore } from '../../src/store/file.js';
import { need } from '../helpers/need.js';
import { crashCases, directories, stateOf, temporary } from './helpers/states.js';

const asRoot = need(() => (process.getuid?.() === 0 ? undefined : 'root'));
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

for (const [name, { before, after }] of Object.entries(crashCases())) {
  test(`killed at any step of a save, the state is sound (${name})`, async (t) => {
    const steps = child(place(t), 'save', 'none', name).stdout.trim().split('\n');
    t.true(steps.length >= 6, String(steps));
    for (const step of steps) {
      const dir = place(t);
      const store = openFileStore(directories(dir));
      store.save(EMPTY_STATE, before);
      const { signal } = child(dir, 'save', step, name);
      t.is(signal, 'SIGKILL', step);

      const left = store.load();
      t.deepEqual(invariants(left), [], step);
      const endpoints = [before.endpoints, after.endpoints].map((list) => JSON.stringify(list));
      t.true(endpoints.includes(JSON.stringify(left.endpoints)), step);
      // Whoever finds another state than the kernel's must know that he is to look at all of it.
      t.true(
        isDeepStrictEqual(left, before) ||
          left.unfinished === true ||
          isDeepStrictEqual(left, after),
        step,
      );

      // The next command finds the lock free, cleans up, and finishes.
      const release = await store.lock();
      store.save(left, after);
      release();
      t.deepEqual(store.load(), after);
      const names = [...readdirSync(join(dir, 'run')), ...readdirSync(join(dir, 'state'))];
      t.deepEqual(
        names.filter((each) => each.endsWith('.tmp')),
        [],
        step,
      );
    }
  });
}

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
  store.save(EMPTY_STATE, small);
  const error = t.throws(() => store.save(small, stateOf(500)), { instanceOf: DpctlError });
  t.is(error?.code, 'STORE_UNAVAILABLE');
  t.is(error?.exitCode, 5);
  t.regex(error?.message ?? '', /endpoints\.json: ENOSPC/);
  t.regex(error?.hint ?? '', /make room/);
  t.deepEqual(store.load(), small);
  t.deepEqual(readdirSync(runDir), ['endpoints.json']);
});

asRoot('what may not be read or written is said so', async (t) => {
  const dir = place(t);
  openFileStore(directories(dir)).save(EMPTY_STATE, stateOf(1));
  chmodSync(dir, 0o755);
  const read = child(dir, 'load', 'nobody');
  t.regex(read.stdout, /^STORE_UNAVAILABLE 5: cannot read .*state\.json: EACCES/, read.stderr);
  const write = child(dir, 'hold', 'nobody');
  t.regex(write.stderr, /STORE_UNAVAILABLE/);
  t.regex(write.stderr, /sudo dpctl/);
});
