import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { openFileStore } from '../../src/store/file.js';
import { storeFiles } from '../../src/store/file-paths.js';
import type { Store, Versioned } from '../../src/store/store.js';
import { directories, NOTHING, stateOf, temporary } from './helpers/states.js';

const CHILD = fileURLToPath(new URL('helpers/child.js', import.meta.url));
/** Milliseconds within which a watcher must see a change. */
const SOON = 1000;

function place(t: ExecutionContext) {
  const dir = temporary();
  const files = storeFiles(directories(dir));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, files, store: openFileStore(directories(dir)) };
}

interface Seen {
  readonly states: Versioned[];
  /** The first match, now or soon. */
  until(what: string, fits: (each: Versioned) => boolean): Promise<Versioned>;
  stop(): Promise<void>;
}

/** A watcher that the store cannot distinguish from another process: it shares no store object. */
function watching(dir: string, from?: number): Seen {
  const store: Store = openFileStore(directories(dir));
  const ending = new AbortController();
  const states: Versioned[] = [];
  let told = (): void => {};
  const options = { ...(from !== undefined && { from }), signal: ending.signal };
  const end = (async () => {
    for await (const each of store.watch(options)) {
      states.push(each);
      told();
    }
  })();
  return {
    states,
    async until(what, fits) {
      const late = AbortSignal.timeout(SOON);
      for (;;) {
        const found = states.find(fits);
        if (found !== undefined) return found;
        if (late.aborted) throw new Error(`${what}: not seen, but ${states.length} others`);
        await new Promise<void>((resolve) => {
          told = resolve;
          late.addEventListener('abort', () => resolve());
        });
      }
    },
    async stop() {
      ending.abort();
      await end;
    },
  };
}

function attachElsewhere(t: ExecutionContext, dir: string, count = 1): void {
  const { status, stderr } = spawnSync(process.execPath, [CHILD, dir, 'attach', String(count)], {
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
}

const has = (count: number) => (each: Versioned) => each.state.endpoints.length === count;

test.serial("a watcher sees another process's attach within a second", async (t) => {
  const { dir, store } = place(t);
  const { revision } = await store.save(NOTHING, stateOf(0));
  const seen = watching(dir, revision);
  await sleep(100);
  t.deepEqual(seen.states, [], 'nothing is new yet');
  attachElsewhere(t, dir);
  const found = await seen.until('the endpoint', has(1));
  t.true(found.revision > revision);
  await seen.stop();
});

test.serial('ten changes have growing revisions, and the last one is seen', async (t) => {
  const { dir, store } = place(t);
  await store.save(NOTHING, stateOf(0));
  const seen = watching(dir);
  await seen.until('what is there', has(0));
  attachElsewhere(t, dir, 10);
  const last = await seen.until('all ten', has(10));
  await sleep(100);
  await seen.stop();
  t.deepEqual(seen.states.at(-1), last, 'and nothing after it');
  const revisions = seen.states.map(({ revision }) => revision);
  t.deepEqual(
    revisions,
    [...new Set(revisions)].sort((a, b) => a - b),
  );
  t.like(await store.load(), { revision: last.revision, state: last.state });
});

test.serial('a change between load and watch is not missed', async (t) => {
  const { dir, store } = place(t);
  const { revision } = await store.save(NOTHING, stateOf(0));
  attachElsewhere(t, dir);
  const seen = watching(dir, revision);
  await seen.until('what came between', has(1));
  await seen.stop();
});

test.serial('directories may come, go and come again', async (t) => {
  const { dir } = place(t);
  const seen = watching(dir);
  t.is((await seen.until('nothing', has(0))).revision, 0);
  attachFirst(t, dir);
  await seen.until('the first endpoint', has(1));
  for (const name of ['run', 'state']) rmSync(join(dir, name), { recursive: true });
  const end = seen.states.length;
  await seen.until('the end', (each) => seen.states.indexOf(each) >= end - 1 && has(0)(each));
  attachFirst(t, dir);
  attachElsewhere(t, dir);
  await seen.until('a new beginning', has(2));
  await seen.stop();
});

/** Save a network and an endpoint into an empty store. */
function attachFirst(t: ExecutionContext, dir: string): void {
  const { status, stderr } = spawnSync(process.execPath, [CHILD, dir, 'first'], {
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
}

test.serial('a watcher sees manual edits, and skips damaged files', async (t) => {
  const { dir, files, store } = place(t);
  const { revision } = await store.save(NOTHING, stateOf(0));
  const seen = watching(dir, revision);
  const good = readFileSync(files.durable, 'utf8');
  writeFileSync(files.durable, '{');
  await sleep(100);
  t.deepEqual(seen.states, []);
  writeFileSync(files.durable, good.replace('"ageing":300', '"ageing":60'));
  await seen.until('the edit', ({ state }) => state.networks[0]?.ageing === 60);
  await seen.stop();
});

test.serial('a record that is written again from its copy is no news', async (t) => {
  const { dir, files, store } = place(t);
  await store.save(NOTHING, stateOf(1));
  const seen = watching(dir);
  await seen.until('what is there', has(1));
  rmSync(files.durable);
  await sleep(100);
  await store.repair();
  await sleep(100);
  await seen.stop();
  t.is(seen.states.length, 1);
});

test.serial(
  'a watch leaves no descriptor and no watch of the kernel, however it ends',
  async (t) => {
    const { dir, store } = place(t);
    await store.save(NOTHING, stateOf(1));
    // libuv keeps one inotify descriptor after the first watch.
    const first = watching(dir);
    await first.until('what is there', has(1));
    await first.stop();
    const before = openFiles();
    for (let i = 0; i < 20; i++) {
      const seen = watching(dir);
      await seen.until('what is there', has(1));
      await seen.stop();
      for await (const each of store.watch({ signal: new AbortController().signal })) {
        t.is(each.state.endpoints.length, 1);
        break;
      }
      for await (const each of store.watch({ signal: AbortSignal.abort() })) t.fail(String(each));
    }
    mkdirSync(join(dir, 'run', 'last'));
    t.deepEqual(openFiles(), before);
    t.deepEqual(inotifyWatches(), []);
  },
);

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      // The descriptor that read the list itself.
      return [];
    }
  });
}

function inotifyWatches(): string[] {
  const fds = openFiles().filter((each) => each.endsWith('anon_inode:inotify'));
  if (fds.length !== 1) throw new Error(`${fds.length} inotify descriptors`);
  return fds.flatMap((each) =>
    readFileSync(`/proc/self/fdinfo/${each.split(' ')[0]}`, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('inotify ')),
  );
}
