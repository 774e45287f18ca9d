/** Nodes of dpctl that share an etcd: what one has, the others know, and nobody gets twice. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ClusterReport } from '../../src/api/cluster.js';
import { testRequiring } from '../helpers/requirements.js';
import { run } from '../system/helpers/lab.js';
import { type Cluster, etcd, PASSWORD, startCluster } from './helpers/members.js';
import { type ClusterNode, makeSite, type Site } from './helpers/nodes.js';

const maybe = testRequiring(etcd).serial;
let cluster: Cluster;
let site: Site;

test.before(async () => {
  if (etcd() !== undefined) return;
  cluster = await startCluster();
  site = await makeSite(cluster, 3);
});
test.after.always(async () => {
  await site?.close();
  await cluster?.close();
});

const node = (number: number): ClusterNode => site.nodes[number - 1] as ClusterNode;
const rows = (at: ClusterNode): Promise<{ name: string; dst: string }[]> => at.json('node', 'list');
const namesAt = async (at: ClusterNode): Promise<string> =>
  (await rows(at)).map(({ name }) => name).join();

maybe('nodes join, see each other without an agent, and get no address twice', async (t) => {
  const [one, two, three] = [node(1), node(2), node(3)];
  await one.must('network', 'add', 'blue', '--subnet', '10.80.0.0/24');
  for (const each of [one, two]) {
    const ran = await each.join();
    t.is(ran.code, 0, ran.stderr);
    t.regex(ran.stderr, /^joined as n/);
  }
  t.regex((await two.join()).stderr, /^unchanged: joined as n2/);
  t.is(await namesAt(two), 'n1');
  t.is(await namesAt(one), '', 'nobody has told it');
  await one.must('reconcile');
  t.is(await namesAt(one), 'n2');
  t.deepEqual(
    (await two.json<{ name: string }[]>('network', 'list')).map(({ name }) => name),
    ['blue'],
  );
  const made = async (at: ClusterNode, ns: string): Promise<string> => {
    const ran = await at.must('attach', ns, '--create', '--network', 'blue', '-j');
    return (JSON.parse(ran.stdout) as { ip4: string }).ip4;
  };
  t.is(await made(one, 'jc1'), '10.80.0.2/24');
  t.is(await made(two, 'jc2'), '10.80.0.3/24', 'the first is taken elsewhere');
  const taken = await two.dpctl([
    'attach',
    'jc3',
    '--create',
    '--network',
    'blue',
    '--ip',
    '10.80.0.2',
  ]);
  t.is(taken.code, 1);
  t.regex(taken.stderr, /ADDRESS_IN_USE.*10\.80\.0\.2.*n1/);
  t.false((await run(['ip', 'netns', 'list'])).stdout.includes('jc3'), 'nothing was made');

  await one.must('reconcile');
  const dump = await one.json<{ mac: string; node: string; flags: string[] }[]>('dump', 'fdb');
  t.deepEqual(
    dump.filter((each) => each.node === 'n2').map(({ mac, flags }) => [mac, flags]),
    [['0a:58:0a:50:00:03', ['extern_learn']]],
  );
  const ping = await run(['ip', 'netns', 'exec', 'jc1', 'ping', '-c1', '-W2', '10.80.0.3']);
  t.is(ping.code, 0, ping.stdout);

  const report = await one.json<ClusterReport>('cluster', 'status');
  t.deepEqual(
    report.nodes.map(({ name, state, endpoints, networks }) => [name, state, endpoints, networks]),
    [
      ['n1', 'no agent', 1, ['blue']],
      ['n2', 'no agent', 1, ['blue']],
    ],
  );
  t.deepEqual(report.members.map(({ state }) => state).sort(), ['follower', 'follower', 'leader']);

  // What the third has cannot be here: nothing of it changes.
  await three.must('network', 'add', 'blue', '--subnet', '10.99.0.0/24');
  const refused = await three.join();
  t.is(refused.code, 1);
  t.regex(refused.stderr, /NETWORK_MISMATCH.*blue.*10\.99/);
  t.false(existsSync(join(three.root, 'var/lib/dpctl/cluster.json')));
  await three.must('network', 'del', 'blue');
  t.is((await one.json<ClusterReport>('cluster', 'status')).nodes.length, 2);

  const del = await one.dpctl(['network', 'del', 'blue']);
  t.is(del.code, 1);
  await one.must('detach', 'jc1');
  t.regex((await one.dpctl(['network', 'del', 'blue'])).stderr, /NETWORK_IN_USE/, 'n2 uses it');
  t.is((await one.json<{ name: string }[]>('network', 'list')).length, 1, 'it is there still');
  for (const each of [one, two]) {
    const left = await each.dpctl(['cluster', 'leave']);
    t.is(left.code, 0, left.stderr);
    t.is(await namesAt(each), '');
  }
  t.regex((await two.must('cluster', 'leave')).stderr, /unchanged/);
  t.is((await two.json<unknown[]>('endpoints')).length, 1, 'its endpoints stay');
  t.deepEqual((await cluster.client().list('/dpctl/')).entries, [], 'nothing is left in etcd');
  await two.must('detach', 'jc2');
});

maybe(
  'a password is in no process list, no record and no output, and only root reads it',
  async (t) => {
    const one = node(1);
    const words = [
      ...['cluster', 'join', `etcds://${cluster.endpoints.join(',')}`, '--name', 'n1'],
      ...['--ca', cluster.certificates.caPath, '--cert', cluster.certificates.dpctl.certPath],
      ...['--key', cluster.certificates.dpctl.keyPath, '--user', 'dpctl'],
    ];
    const wrong = await one.dpctl(words, { env: { DPCTL_CLUSTER_PASSWORD: 'wrong horse' } });
    t.is(wrong.code, 5);
    t.regex(wrong.stderr, /CLUSTER_USER_REFUSED/);
    t.false(wrong.stderr.includes('wrong horse'));
    const ran = await one.dpctl(words, { env: { DPCTL_CLUSTER_PASSWORD: PASSWORD } });
    t.is(ran.code, 0, ran.stderr);
    const state = join(one.root, 'var/lib/dpctl');
    t.is(statSync(join(state, 'cluster.password')).mode & 0o777, 0o600);
    t.is(readFileSync(join(state, 'cluster.password'), 'utf8'), PASSWORD);
    const shown = await Promise.all([
      one.dpctl(['cluster', 'status', '-j']),
      one.dpctl(['status', '-j']),
      one.dpctl(['dump', 'config', '-j']),
      run(['grep', '-rlF', PASSWORD, one.root]),
    ]);
    for (const { stdout, stderr } of shown.slice(0, 3))
      t.false((stdout + stderr).includes(PASSWORD));
    t.is(shown[3].stdout, join(state, 'cluster.password'), 'in one file');
    const other = await run([
      'setpriv',
      '--reuid',
      '65534',
      '--clear-groups',
      'cat',
      join(state, 'cluster.password'),
    ]);
    t.not(other.code, 0);
    await one.must('cluster', 'leave');
    t.false(existsSync(join(state, 'cluster.password')));
  },
);
