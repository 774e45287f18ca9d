/**
 * Many nodes with many endpoints, as records in etcd, and one agent that follows them: what it costs.
 * DPCTL_CLUSTER_SCALE=1000x110 is the size that is promised; by default there are few.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Etcd } from '../../src/store/etcd/client.js';
import { encode, KEYS } from '../../src/store/etcd/records/schema.js';
import { cpuMs, residentKiB } from '../agent/helpers/agent.js';
import { testRequiring } from '../helpers/requirements.js';
import { until } from './helpers/follower.js';
import { etcd, startCluster } from './helpers/members.js';
import { makeSite } from './helpers/nodes.js';

const [NODES = 50, EACH = 20] = (process.env.DPCTL_CLUSTER_SCALE ?? '50x20').split('x').map(Number);
/** Changes a second, and seconds of them. */
const RATE = 100;
const SECONDS = 5;

const macOf = (node: number, id: number): string => {
  const hex = (value: number): string => (value & 255).toString(16).padStart(2, '0');
  return `0a:58:${hex(node >> 8)}:${hex(node)}:${hex(id >> 8)}:${hex(id)}`;
};
const ipOf = (node: number, id: number): string => {
  const value = node * 128 + id;
  return `10.${64 + (value >> 16)}.${(value >> 8) & 255}.${value & 255}`;
};
const endpoint = (node: number, id: number) => ({
  key: KEYS.endpoint(`s${node}`, id),
  value: encode({
    ...{ node: `s${node}`, id, network: 'blue' },
    ...{ mac: macOf(node, id), ip4: `${ipOf(node, id)}/10` },
  }),
});

/** Write records as they are, many at a time. */
async function write(client: Etcd, records: { key: string; value: Buffer }[]): Promise<void> {
  for (let from = 0; from < records.length; from += 100) {
    const success = records.slice(from, from + 100).map(({ key, value }) => ({
      request_put: { key: Buffer.from(key), value },
    }));
    await client.txn({ compare: [], success, failure: [] });
  }
}

testRequiring(etcd).serial('an agent follows many nodes and endpoints', async (t) => {
  t.timeout(600_000);
  const cluster = await startCluster();
  t.teardown(() => cluster.close());
  const site = await makeSite(cluster, 1);
  t.teardown(() => site.close());
  const [node] = site.nodes;
  if (node === undefined) throw new Error('no node');
  const client = cluster.client();
  await node.must('network', 'add', 'blue', '--subnet', '10.64.0.0/10');
  await node.must('attach', 'sc0', '--create', '--network', 'blue', '--ip', '10.127.0.1');
  const nodes = Array.from({ length: NODES }, (_, index) => {
    const number = index + 1;
    const vtep = `172.20.${number >> 8}.${number & 255}`;
    const record = { name: `s${number}`, id: `s${number}`, vtep, build: '', networks: ['blue'] };
    return { key: KEYS.node(record.name), value: encode(record) };
  });
  await write(client, nodes);
  const all = Array.from({ length: NODES * EACH }, (_, index) =>
    endpoint(1 + Math.floor(index / EACH), 1 + (index % EACH)),
  );
  await write(client, all);
  const joined = await node.join();
  t.is(joined.code, 0, joined.stderr);
  const count = async (): Promise<number> => {
    const { stdout } = await node.must('dump', 'fdb', '-o', 'name');
    return stdout === '' ? 0 : stdout.trimEnd().split('\n').length - 1;
  };
  t.is(await count(), NODES * EACH, 'joining has written them');
  const start = performance.now();
  const agent = await node.agent(t);
  await until('it follows', () => /following the cluster/.test(agent.output().stderr));
  // A change after the first list shows that it was taken over.
  const late = endpoint(1, EACH + 1);
  await write(client, [late]);
  await until(
    'the first list is taken over',
    async () => (await count()) === all.length + 1,
    120_000,
  );
  t.log(
    `${NODES} nodes, ${all.length} endpoints: followed ${((performance.now() - start) / 1000).toFixed(1)} s after its start`,
  );
  const before = cpuMs(agent.pid);
  for (let tick = 0; tick < SECONDS * 10; tick++) {
    const next = sleep(100);
    const changed = Array.from({ length: RATE / 10 }, (_, index) => {
      const number = 1 + ((tick * 10 + index) % NODES);
      const id = 200 + Math.floor((tick * 10 + index) / NODES);
      return endpoint(number, id);
    });
    await write(client, changed);
    await next;
  }
  const wanted = all.length + 1 + SECONDS * RATE;
  await until('all changes are taken over', async () => (await count()) === wanted);
  const used = (cpuMs(agent.pid) - before) / SECONDS / 10;
  t.log(
    `memory ${Math.round(residentKiB(agent.pid) / 1024)} MiB, CPU ${used.toFixed(1)} % of one at ${RATE} changes a second`,
  );
  const deadline = performance.now();
  await node.must('attach', 'sc1', '--create', '--network', 'blue');
  t.log(`attach with them: ${(performance.now() - deadline).toFixed(0)} ms`);
});
