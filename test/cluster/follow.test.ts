/** Agents that follow an etcd to which everything happens: what they know of each other, and that traffic goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { ClusterReport } from '../../src/api/cluster.js';
import { spread } from '../agent/helpers/agent.js';
import { testRequiring } from '../helpers/requirements.js';
import { run } from '../system/helpers/lab.js';
import { type Running, start } from '../system/helpers/process.js';
import { until } from './helpers/follower.js';
import { type Cluster, etcd, startCluster } from './helpers/members.js';
import { type ClusterNode, makeSite, type Site } from './helpers/nodes.js';

const maybe = testRequiring(etcd).serial;
let cluster: Cluster;
let site: Site;
const agents: Running[] = [];
/** Attaches whose reachability is measured. */
const ROUNDS = Number(process.env.DPCTL_CLUSTER_ATTACHES ?? 20);

test.before(async (t) => {
  if (etcd() !== undefined) return;
  cluster = await startCluster();
  // A store that knows the users and nothing else: what a wiped one is restored from.
  await cluster.kill('SIGTERM', 0, 1, 2);
  cluster.backUp('empty');
  cluster.start(0, 1, 2);
  await cluster.ready();
  site = await makeSite(cluster, 3);
  await node(1).must('network', 'add', 'blue', '--subnet', '10.80.0.0/16');
  for (const each of site.nodes) {
    const ran = await each.join('--grace', '3s');
    t.is(ran.code, 0, ran.stderr);
    agents.push(await each.agent({ teardown: () => {} }));
  }
  for (const number of [1, 2, 3]) {
    await node(number).must('attach', `fc${number}`, '--create', '--network', 'blue');
  }
});
test.after.always(async () => {
  for (const agent of agents) await agent.stop('SIGTERM');
  await site?.close();
  await cluster?.close();
});

const node = (number: number): ClusterNode => site.nodes[number - 1] as ClusterNode;
const report = async (at: ClusterNode): Promise<ClusterReport> =>
  JSON.parse((await at.dpctl(['cluster', 'status', '-j'])).stdout) as ClusterReport;
const addressOf = async (at: ClusterNode, ns: string): Promise<string> => {
  const rows = await at.json<{ ns: string; ip4: string }[]>('endpoints');
  return rows.find((each) => each.ns === ns)?.ip4.split('/')[0] ?? '';
};
const pings = async (ns: string, address: string): Promise<boolean> => {
  const words = ['netns', 'exec', ns, 'ping', '-c1', '-W0.2', address];
  return (await run(['ip', ...words])).code === 0;
};

/** A steady stream of pings that must lose none. */
function stream(t: ExecutionContext, ns: string, address: string): () => Promise<void> {
  const running = start(t, ns, ['ping', '-i', '0.02', '-W', '2', address]);
  return async () => {
    const { stdout } = await running.stop('SIGINT');
    const [, sent = '0', back = ''] =
      /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
    t.true(Number(sent) > 20, stdout.slice(-300));
    t.is(Number(sent) - Number(back), 0, stdout.slice(-300));
  };
}

maybe('an endpoint is reachable from other nodes, and no address is given twice', async (t) => {
  const [one, two] = [node(1), node(2)];
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const ran = await one.must('attach', `fr${round}`, '--create', '--network', 'blue', '-j');
    const end = performance.now();
    const address = (JSON.parse(ran.stdout) as { ip4: string }).ip4.split('/')[0] ?? '';
    await until(`${address} answers`, () => pings('fc2', address));
    took.push(performance.now() - end);
  }
  t.log(
    `from the end of attach until it answers on another node: ${spread(took)} (a ping included)`,
  );
  const fdb = await two.json<{ flags: string[]; node: string; state: string }[]>('dump', 'fdb');
  t.is(
    fdb.filter((each) => each.node === 'n1' && each.flags.includes('extern_learn')).length,
    ROUNDS + 1,
  );
  t.is(fdb.filter((each) => each.state === 'learned').length, 0, 'nothing had to be learned');
  // Two agents, and a command beside one of them, want the same address at the same time.
  const asked = [one, two, one].map((at, index) =>
    at.dpctl([
      ...['attach', `fx${index}`, '--create', '--network', 'blue', '--ip', '10.80.7.7'],
      ...(index === 2 ? ['--direct'] : []),
    ]),
  );
  const codes = (await Promise.all(asked)).map(({ code }) => code);
  t.deepEqual(codes.sort(), [0, 1, 1]);
  const free = [one, two, one, two].map((at, index) =>
    at.must('attach', `fy${index}`, '--create', '--network', 'blue', '-j'),
  );
  const given = (await Promise.all(free)).map(
    ({ stdout }) => (JSON.parse(stdout) as { ip4: string }).ip4,
  );
  t.is(new Set(given).size, 4, given.join());
  for (let round = 0; round < ROUNDS; round++) await one.must('detach', `fr${round}`);
  const gone = async (): Promise<boolean> => {
    const rows = await two.json<{ node: string; flags: string[] }[]>('dump', 'fdb');
    return rows.filter((each) => each.node === 'n1' && each.flags.length > 0).length < ROUNDS;
  };
  await until('the entries of detached endpoints are gone', gone);
});

maybe('a member that dies, a lost quorum and a wiped store cost no packet', async (t) => {
  const [one, two] = [node(1), node(2)];
  const finish = stream(t, 'fc1', await addressOf(two, 'fc2'));
  await cluster.kill('SIGKILL', 0);
  const ran = await one.dpctl(['attach', 'fm1', '--create', '--network', 'blue']);
  t.is(ran.code, 0, ran.stderr);
  await cluster.kill('SIGKILL', 1);
  const add = await one.dpctl(['network', 'add', 'green', '--subnet', '10.81.0.0/24']);
  t.is(add.code, 5, add.stderr);
  t.regex(add.stderr, /CLUSTER_/);
  const away = await one.dpctl(['attach', 'fm2', '--create', '--network', 'blue']);
  t.is(away.code, 0, `from the reserved range: ${away.stderr}`);
  t.regex(away.stderr, /when etcd answers again/);
  const asked = await one.dpctl([
    'attach',
    'fm3',
    '--create',
    '--network',
    'blue',
    '--ip',
    '10.80.9.9',
  ]);
  t.is(asked.code, 5, 'nobody can tell whose that is');
  t.is((await one.dpctl(['detach', 'fm1'])).code, 0);
  const lone = await report(one);
  t.not(lone.error, '');
  cluster.start(0, 1);
  await cluster.ready();
  await until('etcd knows all', async () => {
    const { error, unsettled, nodes } = await report(one);
    return error === '' && unsettled === 0 && nodes.every(({ state }) => state === 'alive');
  });
  const address = await addressOf(one, 'fm2');
  await until('what was attached meanwhile answers', () => pings('fc2', address));

  await cluster.kill('SIGTERM', 0, 1, 2);
  cluster.restore('empty');
  cluster.start(0, 1, 2);
  await cluster.ready();
  await until('all have told the new store', async () => {
    const { error, unsettled, nodes, networks } = await report(two);
    return error === '' && unsettled === 0 && nodes.length === 3 && networks.length > 0;
  });
  await until('all addresses are claimed again', async () => {
    const counts = (await report(two)).nodes.map(({ endpoints }) => endpoints);
    return counts.every((each) => each > 0);
  });
  t.true(await pings('fc3', address), 'the entries are there');
  await finish();
});

maybe('what is known of a lost node goes after its grace, and comes back with it', async (t) => {
  const [one, , three] = [node(1), node(2), node(3)];
  const knows = async (): Promise<boolean> =>
    (await one.json<{ name: string }[]>('node', 'list')).some(({ name }) => name === 'n3');
  t.true(await knows());
  await agents[2]?.stop('SIGKILL');
  const finish = stream(t, 'fc1', await addressOf(three, 'fc3'));
  await until('it is lost', async () =>
    (await report(one)).nodes.some(({ name, state }) => name === 'n3' && state === 'lost'),
  );
  t.true(await knows(), 'for its grace it stays');
  await finish();
  await until('its entries are gone', async () => !(await knows()));
  agents[2] = await three.agent({ teardown: () => {} });
  await until('it is back', knows);
  await until('its endpoint answers', async () => pings('fc1', await addressOf(three, 'fc3')));
  // An agent that ends on purpose is not lost.
  await agents[2]?.stop('SIGTERM');
  await until('nobody can tell', async () =>
    (await report(one)).nodes.some(({ name, state }) => name === 'n3' && state === 'no agent'),
  );
  await sleep(100);
  t.true(await knows());
  const left = await node(2).dpctl(['cluster', 'leave']);
  t.is(left.code, 0, left.stderr);
  await until('it is forgotten', async () =>
    (await one.json<{ name: string }[]>('node', 'list')).every(({ name }) => name !== 'n2'),
  );
  t.true(await pings('fc1', await addressOf(one, 'fm2')), 'its own endpoints go on');
});
