import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { hintText } from '../../src/model/hint.js';
import { invariants } from '../../src/model/state/invariants.js';
import { openFileStore } from '../../src/store/file.js';
import { storeFiles } from '../../src/store/file-paths.js';
import { directories, NOTHING, stateOf, temporary } from './helpers/states.js';

const CHILD = fileURLToPath(new URL('helpers/child.js', import.meta.url));

function place(t: ExecutionContext) {
  const dir = temporary();
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, files: storeFiles(directories(dir)), store: openFileStore(directories(dir)) };
}

/** A process that ends with the test. */
function start(t: ExecutionContext, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function holder(t: ExecutionContext, dir: string): Promise<ChildProcess> {
  const child = start(t, dir, 'hold');
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

test.serial('a time-out names the holder of the lock, and the kernel frees it', async (t) => {
  const { dir, store } = place(t);
  const child = await holder(t, dir);
  process.env.DPCTL_LOCK_TIMEOUT = '100';
  const begin = performance.now();
  const error = await t.throwsAsync(store.lock(), { instanceOf: DpctlError });
  const waited = performance.now() - begin;
  t.true(waited >= 100 && waited < 5000, `${waited} ms`);
  t.is(error?.code, 'STORE_BUSY');
  t.is(error?.exitCode, 5);
  t.is(error?.message.split(';')[0], `dpctl attach ns1 (pid ${child.pid}) is changing this node`);
  t.is(error?.details.pid, child.pid);
  t.regex(hintText(error?.hint), /DPCTL_LOCK_TIMEOUT/);
  await t.throwsAsync(store.discard(), { instanceOf: DpctlError, code: 'STORE_BUSY' });

  process.env.DPCTL_LOCK_TIMEOUT = '10000';
  const waiting = store.lock();
  child.kill('SIGKILL');
  const release = await waiting;
  release();
  release();
  (await store.lock())();
});

test.serial('a time-out that is no number is refused', async (t) => {
  const { store } = place(t);
  process.env.DPCTL_LOCK_TIMEOUT = '10s';
  const error = await t.throwsAsync(store.lock(), { instanceOf: DpctlError });
  t.is(error?.code, 'LOCK_TIMEOUT_INVALID');
  t.is(error?.exitCode, 1);
  delete process.env.DPCTL_LOCK_TIMEOUT;
});

test.serial('readers do not wait', async (t) => {
  const { dir, store } = place(t);
  await store.save(NOTHING, stateOf(1));
  await holder(t, dir);
  t.is((await store.load()).state.endpoints.length, 1);
});

test.serial('within one process, too, one holds the lock at a time', async (t) => {
  const { dir, store } = place(t);
  const other = openFileStore(directories(dir));
  const release = await store.lock();
  let second = false;
  const waiting = other.lock().then((free) => {
    second = true;
    free();
  });
  await sleep(100);
  t.false(second);
  release();
  await waiting;
  t.true(second);
});

test.serial('a process that takes the lock repeatedly lets waiting ones pass', async (t) => {
  const { dir, store } = place(t);
  const greedy = start(t, dir, 'greedy');
  if (greedy.stdout !== null) await once(greedy.stdout, 'data');
  for (let i = 0; i < 5; i++) {
    const begin = performance.now();
    const release = await store.lock();
    t.true(performance.now() - begin < 5_000);
    release();
  }
});

test.serial('a lock that was given back cannot give back the next one', async (t) => {
  const { dir, store } = place(t);
  const first = await store.lock();
  first();
  // The descriptor's number is free, and the next file gets it.
  const second = await openFileStore(directories(dir)).lock();
  first();
  process.env.DPCTL_LOCK_TIMEOUT = '0';
  await t.throwsAsync(store.lock(), { instanceOf: DpctlError, code: 'STORE_BUSY' });
  delete process.env.DPCTL_LOCK_TIMEOUT;
  second();
  const third = await store.lock();
  first();
  // The store knows that it has the lock, and does not take it again to discard everything.
  await store.discard();
  third();
});

test.serial('a lock file that reset removed keeps nobody out', async (t) => {
  const { files, store, dir } = place(t);
  const release = await store.lock();
  rmSync(files.lock);
  process.env.DPCTL_LOCK_TIMEOUT = '1000';
  const other = openFileStore(directories(dir));
  const free = await other.lock();
  release();
  // The file with that name is still locked: releasing the old one freed only the old one.
  process.env.DPCTL_LOCK_TIMEOUT = '0';
  await t.throwsAsync(store.lock(), { instanceOf: DpctlError, code: 'STORE_BUSY' });
  delete process.env.DPCTL_LOCK_TIMEOUT;
  free();
});

test.serial('two processes lose nothing of what each other saves', async (t) => {
  const { dir, store } = place(t);
  await store.save(NOTHING, stateOf(0));
  const children = [start(t, dir, 'attach', '40'), start(t, dir, 'attach', '40')];
  const ends = Promise.all(children.map((child) => once(child, 'exit')));
  let running = true;
  void ends.then(() => {
    running = false;
  });
  let reads = 0;
  // Never half a file, and never an endpoint without its network.
  while (running) {
    t.deepEqual(invariants((await store.load()).state), []);
    reads++;
    await sleep(1);
  }
  t.deepEqual(
    (await ends).map(([code]) => code),
    [0, 0],
  );
  t.true(reads > 10);
  const { endpoints } = (await store.load()).state;
  t.is(endpoints.length, 80);
  t.is(new Set(endpoints.map(({ namespace }) => namespace.ref)).size, 80);
});
