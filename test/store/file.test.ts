import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { withPhase } from '../../src/model/endpoint/edits.js';
import { hintText } from '../../src/model/hint.js';
import { addNetwork } from '../../src/model/network/networks.js';
import { EMPTY_STATE } from '../../src/model/state/state.js';
import { openFileStore } from '../../src/store/file.js';
import { storeFiles } from '../../src/store/file-paths.js';
import { directories, NOTHING, stateOf, temporary } from './helpers/states.js';

/** A store in a temporary directory. */
function place(t: ExecutionContext) {
  const dir = temporary();
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const options = directories(dir);
  return { dir, options, files: storeFiles(options), store: openFileStore(options) };
}

async function refusal(t: ExecutionContext, run: Promise<unknown>): Promise<DpctlError> {
  const error = await t.throwsAsync(run, { instanceOf: DpctlError });
  if (error === undefined) throw new Error('it was not refused');
  t.is(error.exitCode, 5);
  t.truthy(error.hint);
  return error;
}

test('without files the state is empty, and reading makes none', async (t) => {
  const { dir, store } = place(t);
  t.is((await store.load()).state, EMPTY_STATE);
  t.deepEqual(readdirSync(dir), []);
});

test('a saved state is loaded, and only its owner may read it', async (t) => {
  const { options, files, store } = place(t);
  const state = stateOf(3);
  await store.save(NOTHING, state);
  t.deepEqual((await openFileStore(options).load()).state, state);
  for (const path of [files.durable, files.runtime]) t.is(statSync(path).mode & 0o777, 0o600);
  for (const path of [options.runDir, options.stateDir]) t.is(statSync(path).mode & 0o777, 0o700);
  t.deepEqual(readdirSync(options.runDir), ['endpoints.json', 'state.copy.json']);
  t.deepEqual(readdirSync(options.stateDir), ['endpoints.copy.json', 'state.json']);
});

test('a file whose part did not change is not written', async (t) => {
  const { files, store } = place(t);
  const state = stateOf(2);
  const first = await store.save(NOTHING, state);
  const inodes = () => [files.durable, files.runtime].map((path) => statSync(path).ino);
  const [durable, runtime] = inodes();
  const ready = withPhase(state, 1, 'ready');
  const second = await store.save(first, ready);
  t.is(inodes()[0], durable);
  t.not(inodes()[1], runtime);
  const [, later] = inodes();
  await store.save(second, addNetwork(ready, { name: 'blue' }).state);
  t.not(inodes()[0], durable);
  t.is(inodes()[1], later);
  t.is((await store.load()).state.networks.length, 2);
});

test('a person can read the file, with a line for each endpoint', async (t) => {
  const { files, store } = place(t);
  await store.save(NOTHING, stateOf(2));
  const lines = readFileSync(files.runtime, 'utf8').split('\n');
  t.is(lines.filter((line) => line.includes('"ref":"ns2"')).length, 1);
  t.is(JSON.parse(readFileSync(files.runtime, 'utf8')).endpoints.length, 2);
});

test('another boot has other namespaces, but the same networks', async (t) => {
  const { options, store } = place(t);
  const state = stateOf(2);
  await store.save(NOTHING, state);
  const next = openFileStore({ ...options, bootId: 'boot-2' });
  t.deepEqual((await next.load()).state, { ...EMPTY_STATE, networks: state.networks });
  const sysctls = [{ key: 'k', before: '0', value: '1' }];
  const loaded = await next.load();
  await next.save(loaded, { ...loaded.state, endpoints: [], sysctls });
  t.is((await next.load()).state.sysctls.length, 1);
  t.deepEqual((await store.load()).state.endpoints, []);
});

test('the boot is the running kernel unless a test says otherwise', async (t) => {
  const { options, files } = place(t);
  const { runDir, stateDir } = options;
  const store = openFileStore({ runDir, stateDir });
  await store.save(NOTHING, stateOf(1));
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  t.is(JSON.parse(readFileSync(files.runtime, 'utf8')).bootId, bootId);
  t.is((await store.load()).state.endpoints.length, 1);
});

test('damage is named by file and place, and nothing is overwritten', async (t) => {
  const { files, store } = place(t);
  await store.save(NOTHING, stateOf(2));
  const good = readFileSync(files.runtime, 'utf8');
  const damages: readonly [string, RegExp][] = [
    ['', /line 1, column 1: the file is empty/],
    ['\n \n', /the file is empty/],
    [good.slice(0, -4), /line 11, column 15: it is not valid JSON/],
    [good.replace('"endpoints": [', '"endpoints": [[}'), /line 6, column 18: it is not valid JSON/],
    ['[]', /the top/],
    ['null', /the top/],
    ['{"version": 1}', /bootId/],
    [good.replace('"version": 1', '"version": "1"'), /version/],
    [good.replace('"ifindex":12', '"ifindex":"12"'), /endpoints\[1\]\.ifindex/],
    [
      good.replace('"ifindex":12', '"ifindex":11'),
      /endpoints\[1\]\.ifindex: ifindex 11 is there twice/,
    ],
    [
      good.replace('10.201.0.3/16', '10.202.0.3/16'),
      /endpoints\[1\]\.ip4: 10\.202\.0\.3\/16 is no host of/,
    ],
    [
      good.replace('"mac":"0a:58:0a:c9:00:03"', '"mac":"0A:58:0a:c9:00:03"'),
      /endpoints\[1\]\.mac: .* is to be written/,
    ],
  ];
  for (const [text, where] of damages) {
    writeFileSync(files.runtime, text);
    const error = await refusal(t, store.load());
    t.is(error.code, 'STORE_CORRUPT', text.slice(0, 40));
    t.true(error.message.startsWith(files.runtime));
    t.regex(error.message, where);
    t.regex(hintText(error.hint), /dpctl reset/);
    t.is(readFileSync(files.runtime, 'utf8'), text);
  }
});

test('a valid manual edit is accepted', async (t) => {
  const { files, store } = place(t);
  await store.save(NOTHING, stateOf(2));
  const edited = readFileSync(files.durable, 'utf8').replace('"ageing":300', '"ageing":  60');
  writeFileSync(files.durable, edited);
  t.is((await store.load()).state.networks[0]?.ageing, 60);
});

test('a record that was taken away is read from its copy, and written again', async (t) => {
  const { files, store } = place(t);
  const state = stateOf(1);
  await store.save(NOTHING, state);
  t.deepEqual(await store.faults(), []);
  for (const path of [files.durable, files.runtime]) {
    rmSync(path);
    t.deepEqual((await store.load()).state, state, path);
    t.deepEqual(
      (await store.faults()).map((fault) => fault.path),
      [path],
    );
    await store.repair();
    t.deepEqual(await store.faults(), []);
  }
});

test('a record without its copy is named as the one that is missing', async (t) => {
  const { files, store } = place(t);
  await store.save(NOTHING, stateOf(1));
  rmSync(files.durable);
  rmSync(files.durableCopy);
  const error = await refusal(t, store.load());
  t.is(error.code, 'STORE_LOST');
  t.true(error.message.startsWith(`${files.durable} is missing`), error.message);
  t.regex(error.message, /endpoints\[0\]\.network: there is no network default/);
});

test('the state of a newer dpctl is left alone', async (t) => {
  const { files, store } = place(t);
  await store.save(NOTHING, stateOf(1));
  for (const path of [files.runtime, files.durable]) {
    const good = readFileSync(path, 'utf8');
    const text = '{"version": 7, "unknown": {"to": "us"}}';
    writeFileSync(path, text);
    const error = await refusal(t, store.load());
    t.is(error.code, 'STORE_NEWER');
    t.is(error.message, `${path} has version 7 of the state, and this dpctl supports at most 1`);
    t.is(readFileSync(path, 'utf8'), text);
    writeFileSync(path, good);
  }
});

test('a directory in the place of a file is said to be one', async (t) => {
  const { options } = place(t);
  const store = openFileStore({ ...options, stateDir: join(options.stateDir, 'file') });
  await openFileStore(options).save(NOTHING, stateOf(0));
  writeFileSync(join(options.stateDir, 'file'), '');
  const error = await refusal(t, store.save(NOTHING, stateOf(0)));
  t.is(error.code, 'STORE_UNAVAILABLE');
  t.regex(error.message, /^cannot (make|read) .*: E(NOTDIR|EXIST) /);
});

test('all records can be discarded, readable or not', async (t) => {
  const { options, files, store } = place(t);
  await store.save(NOTHING, stateOf(1));
  writeFileSync(files.durable, 'damaged');
  await store.discard();
  t.is((await store.load()).state, EMPTY_STATE);
  await store.discard();
  const release = await store.lock();
  await store.save(NOTHING, stateOf(1));
  await store.discard();
  release();
  t.deepEqual(readdirSync(options.runDir), ['lock', 'lock.turn']);
});

test('2,000 endpoints are saved and loaded as they were', async (t) => {
  const { store } = place(t);
  const state = stateOf(2000);
  await store.save(NOTHING, state);
  const timed = async (run: () => Promise<void>): Promise<string> => {
    const start = performance.now();
    await run();
    return `${(performance.now() - start).toFixed(1)} ms`;
  };
  let loaded = NOTHING;
  const load = await timed(async () => {
    loaded = await store.load();
  });
  t.deepEqual(loaded.state.endpoints, state.endpoints);
  const save = await timed(async () => {
    await store.save(loaded, { ...state, unfinished: true });
  });
  t.log(`load ${load}, save ${save}`);
});

test('what has not changed is not parsed again, and a copy in its place is', async (t) => {
  const { options, files, store } = place(t);
  const other = openFileStore(options);
  await store.save(NOTHING, stateOf(2));
  const first = await other.load();
  t.is((await other.load()).state, first.state);
  await store.save(await store.load(), stateOf(3));
  t.is((await other.load()).state.endpoints.length, 3);
  // Without the file its copy counts, whatever was known of the file.
  rmSync(files.runtime);
  t.is((await other.load()).state.endpoints.length, 3);
  rmSync(files.runtimeCopy);
  t.true((await other.load()).state.unfinished);
});
