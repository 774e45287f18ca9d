/**
 * A process that uses a store, for tests that kill it or run two of them. Its arguments are a directory, an
 * action, and the action's argument:
 *
 * save STEP take the lock, save the case `CASE` of `crashCases`, die at STEP
 * attach N take the lock N times and attach one more namespace each time
 * first save a network with one endpoint into an empty store
 * hold take the lock, print "held", keep it until killed
 * greedy take the lock again and again, and print "held" the first time
 * load load, and print the error's code or "loaded"
 */
import { DpctlError } from '../../../loader/errors.js';
import { addEndpoint } from '../../../src/model/endpoint/attach.js';
import { openFileStore } from '../../../src/store/file.js';
import { becomeNobody } from '../../helpers/user.js';
import { crashCases, directories, NOTHING, stateOf } from './states.js';

const [dir = '', action = '', word = '', name = ''] = process.argv.slice(2);

async function attachMany(count: number): Promise<void> {
  const store = openFileStore(directories(dir));
  for (let i = 0; i < count; i++) {
    const release = await store.lock(`dpctl attach ${process.pid}-${i}`);
    const loaded = await store.load();
    const { state } = loaded;
    const ref = `${process.pid}-${i}`;
    const namespace = {
      ref,
      kind: 'name' as const,
      path: `/run/netns/${ref}`,
      cookie: ref,
      created: false,
    };
    const ifindex = 1000 + state.endpoints.length;
    await store.save(loaded, addEndpoint(state, { namespace, ifindex, defaultMtu: 1500 }).state);
    release();
  }
}

async function saveAndDie(step: string, which: string): Promise<void> {
  const checkpoint = (at: string): void => {
    console.log(at);
    if (at === step) process.kill(process.pid, 'SIGKILL');
  };
  const store = openFileStore({ ...directories(dir), checkpoint });
  const { after } = crashCases()[which] ?? {};
  if (after === undefined) throw new Error(`no case ${which}`);
  await store.lock();
  await store.save(await store.load(), after);
}

async function hold(): Promise<void> {
  await openFileStore(directories(dir)).lock('dpctl attach ns1');
  console.log('held');
  setInterval(() => {}, 1000);
}

async function holdAgain(): Promise<void> {
  const store = openFileStore(directories(dir));
  for (;;) {
    const release = await store.lock('dpctl agent');
    console.log('held');
    await new Promise((resolve) => setTimeout(resolve, 30));
    release();
  }
}

async function tryLoad(): Promise<void> {
  try {
    await openFileStore(directories(dir)).load();
    console.log('loaded');
  } catch (error) {
    if (!(error instanceof DpctlError)) throw error;
    console.log(`${error.code} ${error.exitCode}: ${error.message}`);
  }
}

if (word === 'nobody' || name === 'nobody') becomeNobody();
async function saveFirst(): Promise<void> {
  const store = openFileStore(directories(dir));
  const release = await store.lock();
  await store.save(NOTHING, stateOf(1));
  release();
}

if (action === 'attach') await attachMany(Number(word));
else if (action === 'save') await saveAndDie(word, name);
else if (action === 'first') await saveFirst();
else if (action === 'hold') await hold();
else if (action === 'greedy') await holdAgain();
else await tryLoad();
