/** Files written before records had revisions, and endpoints had owners and labels. */
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { clusterEndpointSchema, clusterNetworkSchema } from '../../src/model/state/cluster.js';
import { invariants } from '../../src/model/state/invariants.js';
import { localEndpointSchema, localNetworkSchema } from '../../src/model/state/local.js';
import { openFileStore } from '../../src/store/file.js';
import { storeFiles } from '../../src/store/file-paths.js';
import { directories, temporary } from './helpers/states.js';

const FIXTURES = fileURLToPath(new URL('../../../test/store/fixtures/', import.meta.url));

test('all that is in them is read, and written again', async (t) => {
  const dir = temporary();
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const options = directories(dir);
  const files = storeFiles(options);
  for (const path of [options.runDir, options.stateDir]) mkdirSync(path);
  copyFileSync(`${FIXTURES}state.json`, files.durable);
  copyFileSync(`${FIXTURES}endpoints.json`, files.runtime);
  const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
  const { check: _, version: _v, usedIn, ...durable } = json(files.durable);
  const { check: _c, version: _w, bootId, ...runtime } = json(files.runtime);
  t.deepEqual([usedIn, bootId], ['boot-1', 'boot-1']);

  const store = openFileStore(options);
  const found = await store.load();
  const { uplink: resolvedUnderlay, ...others } = runtime;
  t.truthy(resolvedUnderlay);
  t.deepEqual<unknown, unknown>(found, {
    revision: 0,
    state: { ...durable, ...others, resolvedUnderlay },
  });
  t.deepEqual(invariants(found.state), []);
  t.is(found.state.endpoints.length, 5);

  const nodes = [...found.state.nodes, { name: 'new', number: 2, vtep: '192.0.2.3' }];
  await store.save(found, { ...found.state, nodes, unfinished: true });
  const { revision: r1, check: _1, ...durableNow } = json(files.durable);
  const { revision: r2, check: _2, ...runtimeNow } = json(files.runtime);
  t.true(r1 > 0 && r2 > r1);
  t.deepEqual(durableNow, { ...durable, version: 1, nodes, usedIn });
  t.deepEqual(runtimeNow, { ...runtime, version: 1, bootId, unfinished: true });
});

test('no field is of the cluster and of this kernel at once', (t) => {
  const local = Object.keys(localEndpointSchema.shape);
  t.deepEqual(
    Object.keys(clusterEndpointSchema.shape).filter((key) => local.includes(key)),
    [],
  );
  for (const key of ['ifindex', 'hostIfname', 'namespace', 'adopted']) t.true(local.includes(key));
  const ours = Object.keys(localNetworkSchema.shape);
  t.deepEqual(
    Object.keys(clusterNetworkSchema.shape).filter((key) => ours.includes(key)),
    [],
  );
});
