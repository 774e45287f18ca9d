/** Hostile input to the API changes nothing, reveals no bug, and does not end the agent. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { ERROR } from '../../src/agent/server/schemas/results.js';
import { type Answer, openWorld, type World } from './helpers/world.js';

const RUNS = Number(process.env.DPCTL_FUZZ_REQUESTS ?? 250);
const SEED = Number(process.env.DPCTL_FUZZ_SEED ?? Date.now() % 2 ** 31);

/** The part of a JSON schema that the API's requests use. */
interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
}

interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Shape }>>;
  };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Texts with a special meaning somewhere. */
const WORDS = [
  ...['', '.', '..', '/', '/proc/self/ns/net', '/proc/1/ns/net', 'default', 'fz-e', '1', '0', '-1'],
  ...[
    'auto',
    '10.201.0.2',
    '10.201.0.2/33',
    '::',
    'fe80::1',
    'ff:ff:ff:ff:ff:ff',
    '0a:58:0a:c9:00:02',
  ],
  ...[
    'lo',
    'eth0',
    '$(reboot)',
    '; reboot',
    '--help',
    '%s%n',
    'a=b',
    'a-',
    'x'.repeat(5000),
    '\ud83d',
  ],
  ...[
    '__proto__',
    'constructor',
    '../../../etc/passwd',
    'a\0b',
    'a\nb',
    '\u001b[2J',
    'ä',
    '100000',
  ],
];

/** A value that matches a schema, or nearly does, with extreme texts and numbers. */
function shaped(shape: Shape): fc.Arbitrary<unknown> {
  if (shape.const !== undefined) return fc.constant(shape.const);
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum);
  const choices = shape.anyOf ?? shape.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(shaped));
  switch (shape.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.oneof(fc.constantFrom(0, 1, 68, 65535, 2 ** 24, 2 ** 31, 2 ** 53 - 1), fc.nat());
    case 'array':
      return fc.array(shaped(shape.items ?? {}), { maxLength: 4 });
    case 'object':
      return fc.record(
        Object.fromEntries(
          Object.entries(shape.properties ?? {}).map(([name, each]) => [name, shaped(each)]),
        ),
        { requiredKeys: [] },
      );
    default:
      return fc.oneof(fc.constantFrom(...WORDS), fc.string());
  }
}

/** A body for an operation: valid, nearly valid, any JSON, or none. */
function bodies(shape: Shape): fc.Arbitrary<string> {
  // A request that is valid by chance must only plan: the state is compared at the end.
  const plans = 'dryRun' in (shape.properties ?? {});
  const right = shaped(shape).map((value) =>
    JSON.stringify(plans ? { ...(value as object), dryRun: true } : value),
  );
  const spoilt = fc
    .tuple(shaped(shape), fc.string(), fc.jsonValue())
    .map(([value, name, other]) =>
      JSON.stringify({ ...(value as object), dryRun: true, [name || 'x']: other }),
    );
  const cut = fc.tuple(right, fc.nat(40)).map(([text, at]) => `${text.slice(0, at)}`);
  const deep = fc.nat(60_000).map((depth) => `{"ns":${'['.repeat(depth)}`);
  return fc.oneof(
    { weight: 6, arbitrary: right },
    { weight: 2, arbitrary: spoilt },
    {
      weight: 2,
      arbitrary: fc
        .jsonValue()
        .filter(isNoPlan)
        .map((value) => JSON.stringify(value)),
    },
    { weight: 1, arbitrary: cut.filter((text) => text.trim() !== '') },
    { weight: 1, arbitrary: deep },
  );
}

const isNoPlan = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** State that must be unchanged at the end. */
async function stateOf(world: World): Promise<string> {
  const seen: string[] = [];
  for (const words of [
    ['endpoints'],
    ['network', 'list'],
    ['node', 'list'],
    ['underlay', 'show'],
  ]) {
    seen.push((await world.dpctl([...words, '-j', '--direct'])).stdout);
  }
  return seen.join('\n');
}

/** Send bytes and return the response until the connection ends or the time is over. */
async function exchange(world: World, bytes: Uint8Array, wait: number): Promise<string> {
  const socket = connect({ path: world.socket });
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.write(bytes);
  await Promise.race([closed, sleep(wait)]);
  socket.destroy();
  return text;
}

test.serial('random requests from the schema, and random bytes', async (t) => {
  t.timeout(240_000);
  t.log(`DPCTL_FUZZ_SEED=${SEED}`);
  const world = await openWorld();
  try {
    const agent = await world.serve();
    const ns = await world.container('e');
    t.is((await world.ask('POST', '/v1/attach', { ns })).status, 200);
    const before = await stateOf(world);
    const { paths } = (await world.ask('GET', '/v1/openapi.json')).body as Document;
    const posts = Object.entries(paths).flatMap(([path, { post }]) => {
      const schema = post?.requestBody?.content['application/json']?.schema;
      return schema === undefined ? [] : [{ path, schema }];
    });
    t.true(posts.length >= 9);
    const requests = fc
      .constantFrom(...posts)
      .chain(({ path, schema }) => bodies(schema).map((body) => ({ path, body })));
    const statuses = new Map<number, number>();
    const judge = (answer: Answer, told: string): void => {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status === 200) return;
      if (told.startsWith('/v1/cni ') && answer.status === 422) {
        // An error object of CNI; 199 would be a bug.
        const { code } = answer.body as { readonly code?: unknown };
        if (typeof code !== 'number' || code === 199) throw new Error(`${told}: ${answer.text}`);
        return;
      }
      if (answer.status === 500) throw new Error(`a bug: ${told}: ${answer.text}`);
      const { success } = ERROR.safeParse(answer.body);
      if (!success) throw new Error(`not an error of the API: ${told}: ${answer.text}`);
    };
    await fc.assert(
      fc.asyncProperty(requests, async ({ path, body }) => {
        judge(await world.ask('POST', path, body), `${path} ${body.slice(0, 500)}`);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'POST'),
        fc.webPath(),
        async (method, path) => {
          judge(await world.ask(method, `/v1${path}`), path);
        },
      ),
      { numRuns: RUNS / 5, seed: SEED },
    );
    const whole = `POST /v1/attach HTTP/1.1\r\nhost: x\r\ncontent-length: 14\r\n\r\n{"ns":"fz-e2"}`;
    const raw = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.nat(whole.length - 2).map((length) => Buffer.from(whole.slice(0, length + 1))),
      fc.constantFrom(
        Buffer.from(`GET /v1/health HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
        Buffer.from(
          'POST /v1/attach HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
        ),
        Buffer.from('CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n'),
        Buffer.from('GET / HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'),
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        Buffer.from('GET /v1/health HTTP/1.1\r\nhost: x\r\nexpect: the worst\r\n\r\n'),
      ),
    );
    await fc.assert(
      fc.asyncProperty(raw, async (bytes) => {
        const text = await exchange(world, bytes, 20);
        if (/^HTTP\/1\.1 500/.test(text)) throw new Error(text);
      }),
      { numRuns: RUNS / 2, seed: SEED },
    );
    t.log(Object.fromEntries(statuses));
    t.true((statuses.get(400) ?? 0) > RUNS / 10);
    t.true(agent.isAlive());
    t.is((await world.ask('GET', '/v1/health')).status, 200);
    t.is(await stateOf(world), before);
  } finally {
    await world.close();
  }
});

test.serial(
  'slow clients, and one that takes all connections, block others only briefly',
  async (t) => {
    const world = await openWorld();
    const open: Socket[] = [];
    try {
      const agent = await world.serve();
      let ended = 0;
      const hold = (): Socket => {
        const socket = connect({ path: world.socket });
        socket.on('error', () => {});
        socket.on('data', () => {});
        socket.on('close', () => ended++);
        socket.write('GET /v1/health HTTP/1.1\r\nhost: x\r\nslow: ');
        open.push(socket);
        return socket;
      };
      for (let index = 0; index < 20; index++) hold();
      const drip = setInterval(() => {
        for (const socket of open) if (socket.writable) socket.write('y');
      }, 300);
      const start = performance.now();
      for (let look = 0; look < 5; look++) {
        const asked = performance.now();
        t.is((await world.ask('GET', '/v1/health')).status, 200);
        t.true(performance.now() - asked < 1000, 'others are answered meanwhile');
        await sleep(100);
      }
      for (let index = 0; index < 100; index++) hold();
      t.is(
        (await world.dpctl(['endpoints', '-j'])).code,
        0,
        'without a free connection it is done here',
      );
      while (ended < open.length && performance.now() - start < 15_000) await sleep(100);
      clearInterval(drip);
      t.is(ended, open.length, 'each of them was ended');
      t.is((await world.ask('GET', '/v1/health')).status, 200);
      t.true(agent.isAlive());
    } finally {
      for (const socket of open) socket.destroy();
      await world.close();
    }
  },
);
