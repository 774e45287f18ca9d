/** The API of an agent on a real node: what it does and what it refuses. */
import { chmodSync, existsSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type * as z from 'zod/mini';
import { AGENT_RESULTS, ERROR, RESULTS } from '../../src/agent/server/schemas/results.js';
import type { EndpointChange, EndpointRow } from '../../src/api/endpoint.js';
import { run } from '../system/helpers/lab.js';
import { type Answer, openWorld, type World } from './helpers/world.js';

/** The body of a response, checked against its schema. */
function bodyOf<T>(answer: Answer, schema: z.ZodMiniType<T>): T {
  const { success, data, error } = schema.safeParse(answer.body);
  if (success) return data;
  throw new Error(`${answer.status} ${answer.text}\n${JSON.stringify(error.issues)}`);
}

/** State that a refused request must not change. */
async function stateOf(world: World): Promise<unknown> {
  const { stdout } = await world.dpctl(['endpoints', '-o', 'json', '--direct']);
  const networks = await world.dpctl(['network', 'list', '-o', 'json', '--direct']);
  return [stdout, networks.stdout];
}

test.serial('endpoints are attached, listed and detached by requests', async (t) => {
  const world = await openWorld();
  try {
    const [a, b] = [await world.container('a'), await world.container('b')];
    const agent = await world.serve();
    t.is(statSync(world.socket).mode & 0o777, 0o600);
    t.is(statSync(`${world.root}/run/dpctl`).mode & 0o777, 0o700);

    const plan = bodyOf(
      await world.ask('POST', '/v1/attach', { ns: a, dryRun: true }),
      RESULTS.attach,
    );
    t.true(plan.plan.length > 0);
    t.deepEqual(bodyOf(await world.ask('GET', '/v1/endpoints'), RESULTS.endpoints), []);

    const first = bodyOf(await world.ask('POST', '/v1/attach', { ns: a }), RESULTS.attach);
    t.like(first, { changed: true, created: true });
    t.true(['tcx', 'clsact'].includes(first.hook));
    const again = bodyOf(await world.ask('POST', '/v1/attach', { ns: a }), RESULTS.attach);
    t.like(again, { changed: false, created: false });
    const second = bodyOf(
      await world.ask('POST', '/v1/attach', { ns: b, ips: ['10.201.0.77'], labels: ['app=shop'] }),
      RESULTS.attach,
    );
    t.is(second.endpoints[0]?.ip4, '10.201.0.77/16');
    t.deepEqual(second.endpoints[0]?.labels, ['app=shop']);
    t.is((await world.inside(a, 'ping', '-c', '1', '-W', '2', '10.201.0.77')).code, 0);

    const list = bodyOf(await world.ask('GET', '/v1/endpoints'), RESULTS.endpoints);
    const direct = await world.dpctl(['endpoints', '-o', 'name', '--direct']);
    t.is(list.map(({ ns }: EndpointRow) => ns).join('\n'), direct.stdout);
    t.true(bodyOf(await world.ask('GET', '/v1/status'), RESULTS.status).healthy);

    const rows = (await world.ask('GET', '/v1/dump/endpoints')).text.trimEnd().split('\n');
    t.deepEqual(rows.map((line) => (JSON.parse(line) as { ns: string }).ns).sort(), [a, b].sort());
    const gone = bodyOf(await world.ask('POST', '/v1/detach', { ns: b }), RESULTS.detach);
    t.deepEqual(
      gone.endpoints.map(({ ns }) => ns),
      [b],
    );
    const absent = bodyOf(await world.ask('POST', '/v1/detach', { ns: b }), RESULTS.detach);
    t.like(absent, { changed: false, endpoints: [] });
    t.false(bodyOf(await world.ask('POST', '/v1/reconcile', {}), RESULTS.reconcile).changed);
    t.true(agent.isAlive());
    await agent.stop();
    t.false(existsSync(world.socket), 'the socket goes with its agent');
  } finally {
    await world.close();
  }
});

test.serial('networks, underlay, nodes and MACs are changed by requests', async (t) => {
  const world = await openWorld();
  try {
    const a = await world.container('a');
    await run([
      'ip',
      '-n',
      world.node,
      'link',
      'add',
      'up0',
      'type',
      'veth',
      'peer',
      'name',
      'up1',
    ]);
    await run(['ip', '-n', world.node, 'addr', 'add', '192.0.2.1/24', 'dev', 'up0']);
    for (const dev of ['up0', 'up1']) await run(['ip', '-n', world.node, 'link', 'set', dev, 'up']);
    await world.serve();
    const ask = async <T>(path: string, schema: z.ZodMiniType<T>, body?: object): Promise<T> => {
      const answer = await world.ask(body === undefined ? 'GET' : 'POST', path, body);
      t.is(answer.status, 200, answer.text);
      return bodyOf(answer, schema);
    };
    const blue = { name: 'blue', vni: 77, subnets: ['10.9.0.0/24'], ageing: 60, gateway: true };
    t.like(await ask('/v1/network/add', RESULTS['network add'], blue), {
      created: true,
      network: { vni: 77, gateway: '10.9.0.1', ageing: 60 },
    });
    t.deepEqual(
      (await ask('/v1/network/list', RESULTS['network list'])).map(({ name }) => name),
      ['blue'],
    );
    t.deepEqual(await ask('/v1/underlay/show', RESULTS['underlay show']), []);
    t.is(
      (await ask('/v1/underlay/set', RESULTS['underlay set'], { device: 'up0', decap: 'tc' }))
        .underlay?.local,
      '192.0.2.1',
    );
    t.is((await ask('/v1/underlay/show', RESULTS['underlay show']))[0]?.decap, 'tc');
    t.is(
      (await ask('/v1/node/add', RESULTS['node add'], { name: 'n2', vtep: '192.0.2.2' })).node?.dst,
      '192.0.2.2',
    );
    t.is((await ask('/v1/node/list', RESULTS['node list'])).length, 1);
    await ask('/v1/attach', RESULTS.attach, { ns: a, network: 'blue' });
    const far = { mac: '02:00:00:00:00:07', node: 'n2', network: 'blue' };
    t.is((await ask('/v1/fdb/add', RESULTS['fdb add'], far)).count, 1);
    t.is((await ask('/v1/fdb/del', RESULTS['fdb del'], { mac: far.mac })).count, 1);
    t.is((await ask('/v1/fdb/flush', RESULTS['fdb flush'], {})).count, 0);
    t.is((await ask('/v1/node/del', RESULTS['node del'], { name: 'n2' })).node?.name, 'n2');
    t.is((await ask('/v1/underlay/del', RESULTS['underlay del'], {})).underlay?.ifname, 'up0');
    await ask('/v1/detach', RESULTS.detach, { ns: a });
    t.is((await ask('/v1/network/del', RESULTS['network del'], { name: 'blue' })).network?.vni, 77);
  } finally {
    await world.close();
  }
});

test.serial(
  'a wrong request gets the error of the command line, and changes nothing',
  async (t) => {
    const world = await openWorld();
    try {
      const a = await world.container('a');
      const agent = await world.serve();
      await world.ask('POST', '/v1/attach', { ns: a, ips: ['10.201.0.5'] });
      const before = await stateOf(world);
      const cases: readonly [string, string, unknown, number, string][] = [
        ['GET', '/v1/nothing', undefined, 404, 'NO_SUCH_PATH'],
        ['GET', '/', undefined, 404, 'NO_SUCH_PATH'],
        ['GET', '/v1/dump/%00', undefined, 404, 'NO_SUCH_PATH'],
        ['GET', '/v1/dump/secrets', undefined, 400, 'BAD_REQUEST'],
        ['GET', '/v1/endpoints?x=1', undefined, 400, 'BAD_REQUEST'],
        ['GET', '/v1/attach', undefined, 405, 'WRONG_METHOD'],
        ['DELETE', '/v1/endpoints', undefined, 405, 'WRONG_METHOD'],
        ['POST', '/v1/attach', '{"ns":', 400, 'BAD_JSON'],
        ['POST', '/v1/attach', '[]', 400, 'BAD_REQUEST'],
        ['POST', '/v1/attach', {}, 400, 'BAD_REQUEST'],
        ['POST', '/v1/attach', { ns: 5 }, 400, 'BAD_REQUEST'],
        ['POST', '/v1/attach', { ns: a, mtu: -1 }, 400, 'BAD_REQUEST'],
        ['POST', '/v1/attach', `{"ns":"${a}","mtu":1e999}`, 400, 'BAD_REQUEST'],
        ['POST', '/v1/attach', { ns: `${a}\0` }, 400, 'BAD_REQUEST'],
        ['POST', '/v1/attach', { ns: a, sudo: true }, 400, 'BAD_REQUEST'],
        ['POST', '/v1/attach', `{"ns":"${a}","__proto__":{"create":true}}`, 400, 'BAD_REQUEST'],
        ['POST', '/v1/attach', 'x'.repeat(300_000), 413, 'BODY_TOO_LARGE'],
      ];
      for (const [method, path, body, status, code] of cases) {
        const answer = await world.ask(method, path, body);
        const told = `${method} ${path} ${JSON.stringify(body)?.slice(0, 60)}: ${answer.text}`;
        t.is(answer.status, status, told);
        t.is(bodyOf(answer, ERROR).code, code, told);
      }
      const commands: readonly [string, object, readonly string[], number][] = [
        ['attach', { ns: 'nobody-has-it' }, ['nobody-has-it'], 404],
        ['attach', { ns: '..' }, ['..'], 400],
        ['attach', { ns: a, network: 'none' }, [a, '--network', 'none'], 400],
        [
          'fdb/del',
          { mac: '02:00:00:00:00:01', network: 'none' },
          ['02:00:00:00:00:01', '--network', 'none'],
          404,
        ],
        ['attach', { ns: a, ips: ['10.201.0.300'] }, [a, '--ip', '10.201.0.300'], 400],
        ['attach', { ns: world.node, ips: [] }, [world.node], 400],
        ['network/del', { name: 'default' }, ['default'], 400],
      ];
      for (const [path, body, words, status] of commands) {
        const answer = await world.ask('POST', `/v1/${path}`, body);
        const command = [...path.split('/'), ...words, '-o', 'json', '--direct'];
        const { stderr } = await world.dpctl(command);
        const { exitCode, ...told } = bodyOf(answer, ERROR);
        t.is(answer.status, status, answer.text);
        t.deepEqual(told as object, JSON.parse(stderr) as object);
        t.true(exitCode === 1 || exitCode === 3);
      }
      t.is((await world.ask('GET', '/v1/attach')).headers.allow, 'POST');
      t.deepEqual(await stateOf(world), before);
      t.true(agent.isAlive());
    } finally {
      await world.close();
    }
  },
);

test.serial('simultaneous changes are made one after the other', async (t) => {
  const world = await openWorld();
  try {
    const names = await Promise.all([...'abcdef'].map((label) => world.container(label)));
    await world.serve();
    const attach = (ns: string): Promise<Answer> => world.ask('POST', '/v1/attach', { ns });
    const answers = await Promise.all([...names, ...names].map(attach));
    const changes: EndpointChange[] = answers.map((answer) => bodyOf(answer, RESULTS.attach));
    t.is(changes.filter(({ created }) => created).length, names.length);
    const list = bodyOf(await world.ask('GET', '/v1/endpoints'), RESULTS.endpoints);
    t.is(new Set(list.map(({ ip4 }) => ip4)).size, names.length, 'an address each');
    t.true(bodyOf(await world.ask('GET', '/v1/status'), RESULTS.status).healthy);
    await Promise.all(names.map((ns) => world.ask('POST', '/v1/detach', { ns })));
    t.deepEqual(bodyOf(await world.ask('GET', '/v1/endpoints'), RESULTS.endpoints), []);
  } finally {
    await world.close();
  }
});

test.serial('an agent reports its health, and each saved state as it is saved', async (t) => {
  const world = await openWorld();
  try {
    const a = await world.container('a');
    const agent = await world.serve();
    const health = bodyOf(await world.ask('GET', '/v1/health'), AGENT_RESULTS.health);
    t.is(health.pid, agent.process.pid ?? 0);
    t.true(bodyOf(await world.ask('GET', '/v1/ready'), AGENT_RESULTS.ready).ready);
    t.like(await world.ask('GET', '/v1/openapi.json'), { status: 200, body: { openapi: '3.1.0' } });

    const lines: string[] = [];
    let told = (): void => {};
    const watching = get(
      { socketPath: world.socket, path: '/v1/watch', agent: false },
      (answer) => {
        answer.on('error', () => {});
        answer.on('data', (chunk: Buffer) => {
          lines.push(...chunk.toString().trimEnd().split('\n'));
          told();
        });
      },
    );
    watching.on('error', () => {});
    const until = async (endpoints: number): Promise<void> => {
      const isThere = (): boolean =>
        lines.some((line) => (JSON.parse(line) as { endpoints: number }).endpoints === endpoints);
      while (!isThere()) await new Promise<void>((resolve) => (told = resolve));
    };
    await until(0);
    t.is((await world.dpctl(['attach', a, '--direct'])).code, 0);
    await until(1);
    await world.ask('POST', '/v1/detach', { ns: a });
    const revisions = lines.map((line) => (JSON.parse(line) as { revision: number }).revision);
    t.deepEqual(
      revisions,
      [...revisions].sort((one, other) => one - other),
    );
    // An open watch does not keep its agent running.
    const start = performance.now();
    await agent.stop();
    t.true(performance.now() - start < 5000);
    t.is(agent.process.exitCode, 0);
  } finally {
    await world.close();
  }
});

test.serial('another user cannot connect, whatever the modes of the files', async (t) => {
  const world = await openWorld();
  const connect = fileURLToPath(new URL('./helpers/connect.js', import.meta.url));
  const asNobody = async (): Promise<string> =>
    (await run([process.execPath, connect, world.socket, 'nobody'])).stdout;
  try {
    const agent = await world.serve();
    t.is((await run([process.execPath, connect, world.socket])).stdout, 'HTTP/1.1 200 OK');
    chmodSync(world.root, 0o755);
    t.is(await asNobody(), 'EACCES');
    for (const dir of ['run', 'run/dpctl']) chmodSync(`${world.root}/${dir}`, 0o755);
    t.is(await asNobody(), 'EACCES', 'by the mode of the socket');
    chmodSync(world.socket, 0o666);
    t.is(await asNobody(), 'closed', 'by who asks');
    t.regex(agent.log(), /another user/);
    t.regex(agent.log(), /"uid":65534/);
    t.is((await world.ask('GET', '/v1/health')).status, 200);
  } finally {
    await world.close();
  }
});

test.serial('the socket of a dead agent is replaced, that of a live one is not', async (t) => {
  const world = await openWorld();
  try {
    const first = await world.serve();
    await t.throwsAsync(world.serve(), { message: /AGENT_RUNNING/ });
    t.is((await world.ask('GET', '/v1/health')).status, 200);
    first.process.kill('SIGKILL');
    while (first.isAlive()) await new Promise((resolve) => setTimeout(resolve, 5));
    t.true(existsSync(world.socket));
    const second = await world.serve();
    const health = bodyOf(await world.ask('GET', '/v1/health'), AGENT_RESULTS.health);
    t.is(health.pid, second.process.pid ?? 0);
  } finally {
    await world.close();
  }
});

test.serial('after a reset the socket comes back with the node', async (t) => {
  const world = await openWorld();
  try {
    const a = await world.container('a');
    const agent = await world.serve();
    await world.ask('POST', '/v1/attach', { ns: a });
    t.is((await world.dpctl(['reset', '--yes'])).code, 0);
    t.false(existsSync(world.socket));
    t.false(existsSync(`${world.root}/run`), 'nothing of the node is left');
    t.is((await world.dpctl(['attach', a])).code, 0);
    for (let tries = 0; tries < 50 && !existsSync(world.socket); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const list = bodyOf(await world.ask('GET', '/v1/endpoints'), RESULTS.endpoints);
    t.deepEqual(
      list.map(({ ns, state }) => [ns, state]),
      [[a, 'ready']],
    );
    t.true(agent.isAlive());
  } finally {
    await world.close();
  }
});
