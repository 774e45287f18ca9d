import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { EMPTY_STATE, type State } from '../../src/model/state/state.js';
import { openFileStore } from '../../src/store/file.js';
import { storeFiles } from '../../src/store/file-paths.js';
import { crashCases, directories, NOTHING, stateOf, temporary } from './helpers/states.js';

function place(t: ExecutionContext) {
  const dir = temporary();
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const options = directories(dir);
  return { dir, options, files: storeFiles(options), store: openFileStore(options) };
}

test('a revision grows with each save, and with nothing else', async (t) => {
  const { options, store } = place(t);
  t.is((await store.load()).revision, 0);
  let last = await store.save(NOTHING, stateOf(1));
  t.true(last.revision > 0);
  t.is((await store.save(last, last.state)).revision, last.revision);
  for (let count = 2; count < 6; count++) {
    const next = await store.save(last, stateOf(count));
    t.true(next.revision > last.revision);
    t.is((await openFileStore(options).load()).revision, next.revision);
    last = next;
  }
  await store.discard();
  t.is((await store.load()).revision, 0);
});

test('no reader sees two states of one revision, in the middle of a save', async (t) => {
  for (const { before, after } of Object.values(crashCases())) {
    const { options } = place(t);
    const reader = openFileStore(options);
    const states = new Map<number, State>();
    const looks: Promise<void>[] = [];
    const look = async (): Promise<void> => {
      const { revision, state } = await reader.load();
      const known = states.get(revision);
      if (known !== undefined) t.deepEqual(state, known);
      states.set(revision, state);
    };
    // The read itself is synchronous, between two steps of the save.
    const checkpoint = (): void => void looks.push(look());
    const store = openFileStore({ ...options, checkpoint });
    const saved = await store.save(await store.save(NOTHING, before), after);
    await look();
    await Promise.all(looks);
    t.deepEqual(states.get(saved.revision), after);
    t.is(Math.max(...states.keys()), saved.revision);
  }
});

test('the revision outlives a boot, though what had it last does not', async (t) => {
  const { options, files, store } = place(t);
  const first = await store.save(NOTHING, stateOf(1));
  const last = await store.save(first, { ...first.state, unfinished: true });
  const nextBoot = openFileStore({ ...options, bootId: 'boot-2' });
  const found = await nextBoot.load();
  t.is(found.revision, last.revision);
  t.deepEqual(found.state.endpoints, []);
  // A tmpfs loses its file when unmounted; the copy has the networks.
  rmSync(files.runtime);
  t.is((await nextBoot.load()).revision, last.revision);
  const then = await nextBoot.save(await nextBoot.load(), { ...found.state, unfinished: true });
  t.true(then.revision > last.revision);
});

test('files of a dpctl that knew no revisions have revision 0, and get one', async (t) => {
  const { files, store } = place(t);
  const fixtures = new URL('../../../test/store/fixtures/', import.meta.url);
  await store.save(NOTHING, stateOf(1));
  for (const [path, name] of [
    [files.durable, 'state.json'],
    [files.runtime, 'endpoints.json'],
  ] as const) {
    writeFileSync(path, readFileSync(new URL(name, fixtures)));
  }
  const found = await store.load();
  t.is(found.revision, 0);
  t.is((await store.save(found, { ...found.state, unfinished: true })).revision, 1);
});

test('a reset in the meantime is a conflict, although revisions start again', async (t) => {
  const { options, store } = place(t);
  const seen = await store.save(NOTHING, { ...stateOf(1), rootId: '000000000001' });
  const other = openFileStore(options);
  await other.discard();
  const again = await other.save(NOTHING, { ...stateOf(2), rootId: '000000000002' });
  t.is(again.revision, seen.revision);
  const error = await t.throwsAsync(store.save(seen, EMPTY_STATE), { instanceOf: DpctlError });
  t.is(error?.code, 'STORE_CONFLICT');
  t.regex(error?.message ?? '', /reset/);
  t.deepEqual((await other.load()).state, again.state);
});
