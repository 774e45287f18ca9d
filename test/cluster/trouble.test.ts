/**
 * A watch on a real etcd of three members under every kind of failure: afterwards, the deliveries agree
 * with a full list, and no write was missed.
 */
import test, { type ExecutionContext } from 'ava';
import { DpctlError } from '../../loader/errors.js';
import type { Etcd } from '../../src/store/etcd/client.js';
import { testRequiring } from '../helpers/requirements.js';
import { agree, followed, numbered, put, remove, until } from './helpers/follower.js';
import { type Cluster, etcd, PASSWORD, startCluster } from './helpers/members.js';
import { startProxy } from './helpers/proxy.js';

const maybe = testRequiring(etcd).serial;
let cluster: Cluster;
/** The test's own client: it reaches all members, whichever the tested one reaches. */
let other: Etcd;

test.before(async () => {
  if (etcd() !== undefined) return;
  cluster = await startCluster();
  other = cluster.client();
});
test.after.always(() => cluster?.close());

async function refusal(t: ExecutionContext, run: Promise<unknown>): Promise<DpctlError> {
  const error = await t.throwsAsync(run, { instanceOf: DpctlError });
  if (error === undefined) throw new Error('it was not refused');
  t.is(error.exitCode, 5);
  t.truthy(error.hint);
  return error;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function has(told: ReadonlySet<string>, records: Readonly<Record<string, string>>): boolean {
  return Object.keys(records).every((key) => told.has(key));
}

maybe('changes are delivered as they happen, each prefix to its own reader', async (t) => {
  const client = cluster.client();
  const readers = ['/a/', '/b/'].map((prefix) => followed(t, client, prefix));
  const [a, b] = readers as [(typeof readers)[0], (typeof readers)[0]];
  await until('both have listed', () => a.deliveries.length > 0 && b.deliveries.length > 0);
  const took: number[] = [];
  for (let round = 0; round < 50; round++) {
    const key = `/a/${round}`;
    const start = performance.now();
    await put(other, { [key]: 'x' });
    await until(key, () => a.told.has(key));
    took.push(performance.now() - start);
  }
  await put(other, { '/b/1': 'x' });
  await remove(other, '/a/1', '/a/2', '/b/nothing');
  for (const [reader, prefix] of [[a, '/a/'] as const, [b, '/b/'] as const]) {
    await agree(reader, other, prefix);
    await reader.stop();
  }
  t.deepEqual([...a.gone], ['/a/1', '/a/2']);
  t.deepEqual([...b.records], [['/b/1', 'x']]);
  took.sort((x, y) => x - y);
  t.log(`write to delivery: p50 ${took[25]?.toFixed(1)} ms, worst ${took.at(-1)?.toFixed(1)} ms`);
});

maybe('more records than one answer has are listed whole', async (t) => {
  const count = 6000;
  for (let from = 0; from < count; from += 100) {
    const success = Array.from({ length: 100 }, (_, index) => ({
      request_put: { key: Buffer.from(`/many/${from + index}`), value: Buffer.from('x') },
    }));
    await other.txn({ compare: [], success, failure: [] });
  }
  const took = await timed(async () => {
    t.is((await other.list('/many/')).entries.length, count);
  });
  t.log(`${count} records listed in ${took.toFixed(0)} ms`);
});

maybe('a member is killed: calls and the watch go on with another', async (t) => {
  const client = cluster.client();
  const reader = followed(t, client, '/kill/');
  await put(client, numbered('/kill/before', 20));
  await agree(reader, other, '/kill/');
  await cluster.kill('SIGKILL', 0);
  const call = await timed(() => client.get('/kill/before1'));
  const missed = numbered('/kill/without', 20);
  await put(client, missed);
  const resumed = await agree(reader, other, '/kill/');
  t.true(has(reader.told, missed));
  cluster.start(0);
  await put(client, numbered('/kill/after', 20));
  await remove(client, '/kill/before3');
  await agree(reader, other, '/kill/');
  t.true(reader.gone.has('/kill/before3'));
  await reader.stop();
  t.log(`first call ${call.toFixed(0)} ms, watch resumed and equal after ${resumed.toFixed(0)} ms`);
});

maybe('a member that stops without ending is noticed by its silence', async (t) => {
  await cluster.ready();
  const client = cluster.client({ timing: { keepalive: 5000, keepaliveTimeout: 1000 } });
  const reader = followed(t, client, '/stop/');
  await put(client, numbered('/stop/before', 5));
  await agree(reader, other, '/stop/');
  await cluster.kill('SIGSTOP', 0);
  t.teardown(() => cluster.kill('SIGCONT', 0));
  const call = await timed(() => client.get('/stop/before1'));
  t.true(call < 5000);
  const missed = numbered('/stop/meanwhile', 20);
  await put(client, missed);
  const resumed = await agree(reader, other, '/stop/');
  t.true(has(reader.told, missed));
  await cluster.kill('SIGCONT', 0);
  await put(client, { '/stop/after': 'x' });
  await agree(reader, other, '/stop/');
  await reader.stop();
  t.log(
    `call ${call.toFixed(0)} ms, watch resumed after ${resumed.toFixed(0)} ms (keepalive 5 + 1 s)`,
  );
});

maybe('without a quorum calls fail in time; with it everything continues', async (t) => {
  await cluster.ready();
  const client = cluster.client({ user: { name: 'dpctl', password: PASSWORD } });
  const reader = followed(t, client, '/quorum/');
  await put(client, numbered('/quorum/before', 5));
  await agree(reader, other, '/quorum/');
  await cluster.kill('SIGKILL', 1, 2);
  t.teardown(async () => {
    cluster.start(0, 1, 2);
    await cluster.ready();
  });
  for (const call of [() => client.get('/quorum/x'), () => put(client, { '/quorum/x': 'x' })]) {
    const start = performance.now();
    const error = await refusal(t, call());
    const took = performance.now() - start;
    t.is(error.code, 'CLUSTER_NO_QUORUM', error.message);
    t.true(took < 5500, `${took}`);
  }
  await cluster.kill('SIGKILL', 0);
  const start = performance.now();
  t.is((await refusal(t, client.get('/quorum/x'))).code, 'CLUSTER_UNREACHABLE');
  t.log(`unreachable is said after ${(performance.now() - start).toFixed(0)} ms`);
  await until('the reader knows', () => reader.trouble() !== undefined);
  t.is(reader.trouble()?.exitCode, 5);
  t.is(reader.records.size, 5, 'what was known stays');
  // All members at once: they lose the tokens that they issued.
  cluster.start(0, 1, 2);
  await cluster.ready();
  await put(client, { '/quorum/after': 'x' });
  const resumed = await agree(reader, other, '/quorum/');
  await until('the problem is gone', () => reader.trouble() === undefined);
  await reader.stop();
  t.log(`after the restart of all members equal in ${resumed.toFixed(0)} ms`);
});

maybe('compacted while disconnected: listed again, and the difference is delivered', async (t) => {
  const proxy = await startProxy(cluster.endpoints[1] as string);
  t.teardown(() => proxy.close());
  const client = cluster.client({ endpoints: [proxy.endpoint] });
  await put(other, numbered('/compact/', 10));
  const reader = followed(t, client, '/compact/');
  await agree(reader, other, '/compact/');
  proxy.cutAfter();
  await put(other, { '/compact/1': 'changed', ...numbered('/compact/new', 5) });
  await remove(other, '/compact/2');
  const { place } = await other.get('/compact/1');
  cluster.ctl(['compact', String(place.revision)], [0]);
  const told = reader.deliveries.length;
  proxy.heal();
  await agree(reader, other, '/compact/');
  await put(other, { '/compact/live': 'x' });
  await agree(reader, other, '/compact/');
  const [difference] = reader.deliveries.slice(told);
  t.is(difference?.cause, 'compacted');
  t.deepEqual(difference?.deletes, ['/compact/2']);
  t.is(difference?.puts.length, 6, 'what is as it was is not told again');
  await reader.stop();
});

maybe('a cut at any byte of the backlog loses no event', async (t) => {
  const proxy = await startProxy(cluster.endpoints[1] as string);
  t.teardown(() => proxy.close());
  const client = cluster.client({ endpoints: [proxy.endpoint] });
  const reader = followed(t, client, '/cut/');
  await put(other, { '/cut/first': 'x' });
  await agree(reader, other, '/cut/');
  let cuts = 0;
  // A connection's data before the backlog (TLS, settings, 'created') is some 2 KB: each limit falls
  // before, inside or behind it.
  for (let round = 0; round < 12; round++) {
    const limits = Array.from({ length: 6 }, (_, index) => 1500 + 137 * round + 450 * index);
    proxy.cutAfter();
    const missed = numbered(`/cut/${round}-`, 40);
    await put(other, missed);
    await remove(other, `/cut/${round}-7`);
    cuts += limits.length;
    proxy.cutAfter(...limits);
    await until('the limits are used up', () => reader.trouble() !== undefined);
    proxy.heal();
    await agree(reader, other, '/cut/');
    // A record that came and went while the reader was away may be delivered as one change.
    const { [`/cut/${round}-7`]: _, ...kept } = missed;
    t.true(has(reader.told, kept));
  }
  await reader.stop();
  t.true(reader.deliveries.every(({ cause }) => cause !== 'reset' && cause !== 'compacted'));
  t.log(`${cuts} cuts`);
});

maybe(
  'a restored backup is detected and delivered, even if it is ahead of the reader',
  async (t) => {
    const proxy = await startProxy(cluster.endpoints[1] as string);
    t.teardown(() => proxy.close());
    const client = cluster.client({ endpoints: [proxy.endpoint] });
    await put(other, { ...numbered('/backup/', 5), '/backup/changed': 'old' });
    await cluster.kill('SIGTERM', 0, 1, 2);
    cluster.backUp('backup');
    cluster.start(0, 1, 2);
    await cluster.ready();
    const reader = followed(t, client, '/backup/');
    for (const writesAfter of [1, 60]) {
      await agree(reader, other, '/backup/');
      await put(other, { ...numbered('/backup/lost', 20), '/backup/changed': 'new' });
      await remove(other, '/backup/1');
      await agree(reader, other, '/backup/');
      await cluster.kill('SIGTERM', 0, 1, 2);
      proxy.cutAfter();
      cluster.restore('backup');
      cluster.start(0, 1, 2);
      await cluster.ready();
      await put(other, numbered('/backup/again', writesAfter));
      const told = reader.deliveries.length;
      proxy.heal();
      const took = await agree(reader, other, '/backup/');
      t.is(reader.deliveries[told]?.cause, 'reset', `${writesAfter} writes after`);
      t.is(reader.records.get('/backup/changed'), 'old');
      t.true(reader.records.has('/backup/1'));
      t.log(
        `${writesAfter} writes after the restore: equal ${took.toFixed(0)} ms after it is reached`,
      );
    }
    await reader.stop();
  },
);

maybe('a certificate that either side rejects is reported', async (t) => {
  const { ca, dpctl, nobody } = cluster.certificates;
  for (const [what, tls] of Object.entries({
    'of another authority': { ca, ...nobody },
    'not given': { ca },
    'of etcd, by an authority that we do not trust': { ca: nobody.cert, ...dpctl },
  })) {
    const start = performance.now();
    const error = await refusal(t, cluster.client({ tls }).get('/x'));
    t.is(error.code, 'CLUSTER_CERTIFICATE', `${what}: ${error.message}`);
    t.log(`${what}, ${(performance.now() - start).toFixed(0)} ms: ${error.message}`);
  }
});

maybe(
  'unknown and unprivileged users are refused at once; revoked ones on reconnection',
  async (t) => {
    const wrong = cluster.client({ user: { name: 'dpctl', password: 'wrong' } });
    const refused = await refusal(t, wrong.get('/x'));
    t.is(refused.code, 'CLUSTER_USER_REFUSED');
    t.false(JSON.stringify([refused.message, refused.details]).includes('wrong'));

    cluster.ctl(['user', 'add', 'guest:guest']);
    cluster.ctl(['user', 'grant-role', 'guest', 'dpctl']);
    const proxy = await startProxy(cluster.endpoints[1] as string);
    t.teardown(() => proxy.close());
    const user = { name: 'guest', password: 'guest' };
    const client = cluster.client({ endpoints: [proxy.endpoint], user });
    const reader = followed(t, client, '/user/');
    await put(other, numbered('/user/', 3));
    await agree(reader, other, '/user/');
    cluster.ctl(['user', 'delete', 'guest']);
    t.is((await refusal(t, client.get('/user/1'))).code, 'CLUSTER_USER_REFUSED');
    proxy.cutAfter();
    await put(other, numbered('/user/missed', 3));
    proxy.heal();
    await until('the reader is refused', () => reader.trouble()?.code === 'CLUSTER_USER_REFUSED');
    t.is(reader.records.size, 3);
    cluster.ctl(['user', 'add', 'guest:guest']);
    cluster.ctl(['user', 'grant-role', 'guest', 'dpctl']);
    await agree(reader, other, '/user/');
    await reader.stop();
  },
);
