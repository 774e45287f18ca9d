/** The command line gives the same output, exit codes and errors through an agent and without one. */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { DPCTL, type Ran, run } from '../system/helpers/lab.js';
import { openWorld, type World } from './helpers/world.js';

/** Namespaces of the containers, with the same names in both runs, so that the texts are equal. */
const [A, B, MADE] = ['same-a', 'same-b', 'same-made'];
const FAR = '02:00:00:00:00:07';

/** Valid and invalid commands for every verb that an agent carries out, in this order. */
const COMMANDS: readonly (readonly string[])[] = [
  ['endpoints'],
  ['endpoints', '-j'],
  ['status'],
  ['status', '-j'],
  ['network', 'list'],
  ['underlay', 'show', '-j'],
  ['node', 'list'],
  ['dump'],
  ['dump', 'config', '-j'],
  ['detach', A],
  ['attach', 'same-none'],
  ['attach', 'same-none', '-j'],
  ['attach', A, '--dry-run'],
  ['attach', A],
  ['attach', A],
  ['attach', A, '-j'],
  ['attach', B, '--ip', '10.201.0.300'],
  ['attach', B, '--ip', '10.201.0.2', '-j'],
  ['attach', B, '--mtu', '5'],
  ['attach', B, '--mac', 'x'],
  ['attach', B, '--ip', '10.201.0.9', '--label', 'app=shop', '-o', 'yaml'],
  ['attach', B, '--label', 'nonsense'],
  ['attach', B, '--isolated', '--no-lock', '--mtu', '1400'],
  ['attach', B, '--network', 'blue'],
  ['attach', MADE, '--create', '--allow-prefix', '192.168.0.0/16'],
  ['attach', '..'],
  ['attach', '/dev/null'],
  ['endpoints', '-o', 'wide'],
  ['endpoints', '-o', 'yaml'],
  ['endpoints', '-o', 'name'],
  ['network', 'add', 'blue', '--subnet', '10.9.0.0/24', '--gateway', '--ageing', '60s'],
  ['network', 'add', 'blue', '--vni', '0'],
  ['network', 'add', 'red', '--subnet', '10.9.0.0/25', '-j'],
  ['network', 'add', 'raw', '--group-fwd-mask', '0x4000', '--dry-run'],
  ['network', 'add', 'blue', '--no-gateway', '-j'],
  ['network', 'list', '-j'],
  ['network', 'del', 'default'],
  ['network', 'del', 'nothing'],
  ['underlay', 'set', 'none0'],
  ['underlay', 'set', 'up0', '--decap', 'tc'],
  ['underlay', 'set', 'up0', '--port', '99999'],
  ['underlay', 'show'],
  ['node', 'add', 'n2'],
  ['node', 'add', 'n2', '--vtep', '192.0.2.2'],
  ['node', 'add', 'n3', '--vtep', '2001:db8::1', '-j'],
  ['node', 'list', '-o', 'wide'],
  ['fdb', 'add', FAR, '--node', 'n2'],
  ['fdb', 'add', FAR, '--node', 'n2', '-j'],
  ['fdb', 'add', FAR, A, '--node', 'n2'],
  ['fdb', 'add', 'x', A],
  ['fdb', 'add', '02:00:00:00:00:08', A],
  ['dump'],
  ['dump', '-j'],
  ['dump', '-o', 'yaml'],
  ['dump', 'neigh'],
  ['dump', 'endpoints', '-o', 'wide'],
  ['dump', 'nodes', '-j'],
  ['dump', 'networks'],
  ['dump', 'nothing'],
  ['fdb', 'del', FAR],
  ['fdb', 'del', FAR],
  ['fdb', 'flush'],
  ['fdb', 'flush', '--network', 'nothing', '-j'],
  ['reconcile'],
  ['reconcile', '--dry-run', '-j'],
  ['status', '-o', 'name'],
  ['detach', A, '--ifname', 'eth9'],
  ['detach', A, '--dry-run'],
  ['detach', A, '-j'],
  ['detach', MADE],
  ['detach', B],
  ['node', 'del', 'n2'],
  ['node', 'del', 'n2'],
  ['underlay', 'del'],
  ['underlay', 'del', '-j'],
  ['network', 'del', 'blue'],
  ['endpoints'],
  ['status'],
  ['nonsense'],
  ['attach'],
];

/** Values that differ from run to run. */
function steady(text: string): string {
  return text
    .replace(/\b\d+(\.\d+)? ms\b/g, 'N ms')
    .replace(/"milliseconds":[\d.]+/g, '"milliseconds":N')
    .replace(/"([rt]x_\w+|learned)":\d+/g, '"$1":N')
    .replace(/^(milliseconds: )[\d.]+$/gm, '$1N');
}

async function prepared(): Promise<World> {
  const world = await openWorld();
  for (const ns of [A, B]) await run(['ip', 'netns', 'add', ns]);
  const link = ['ip', '-n', world.node, 'link'];
  await run([...link, 'add', 'up0', 'index', '4000', 'type', 'veth', 'peer', 'name', 'up1']);
  await run(['ip', '-n', world.node, 'addr', 'add', '192.0.2.1/24', 'dev', 'up0']);
  for (const dev of ['up0', 'up1']) await run([...link, 'set', dev, 'up']);
  return world;
}

async function cleared(world: World): Promise<void> {
  await world.close();
  for (const ns of [A, B, MADE]) await run(['ip', 'netns', 'del', ns]);
}

/** Rows of a kernel table come in hash order. */
function sorted(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/^[[ ]|[\],]+$/g, ''));
  return lines.sort().join('\n');
}

/** Run the list on a node of its own. Errors contain the root, which differs. */
async function runs(world: World, env: Readonly<Record<string, string>>): Promise<Ran[]> {
  const results: Ran[] = [];
  for (const words of COMMANDS) {
    const { code, stdout, stderr } = await world.dpctl(words, env);
    const text = (each: string): string => steady(each).replaceAll(world.root, 'ROOT');
    const data = words[0] === 'dump' ? sorted(text(stdout)) : text(stdout);
    results.push({ code, stdout: data, stderr: text(stderr) });
  }
  return results;
}

test.serial('every command does and prints the same with an agent and without', async (t) => {
  t.timeout(240_000);
  const first = await prepared();
  let direct: Ran[];
  try {
    const agent = await first.serve();
    direct = await runs(first, { DPCTL_DIRECT: '1' });
    t.notRegex(agent.log(), /"operation"/, 'the agent was not asked');
  } finally {
    await cleared(first);
  }
  const second = await prepared();
  try {
    const agent = await second.serve();
    const asked = await runs(second, {});
    for (const [index, words] of COMMANDS.entries()) {
      t.deepEqual(asked[index], direct[index], `dpctl ${words.join(' ')}`);
    }
    for (const operation of ['attach', 'detach', 'network add', 'underlay set', 'fdb flush']) {
      t.regex(agent.log(), new RegExp(`"operation":"${operation}"`), 'the agent was asked');
    }
  } finally {
    await cleared(second);
  }
});

/** Whether an agent makes the change for a command with these options. */
async function askedBy(world: World, argv: readonly string[], env = {}): Promise<boolean> {
  const agent = await world.serve();
  try {
    const ran = await run(argv, { env });
    if (ran.code !== 0) throw new Error(`${argv.join(' ')}: ${ran.code} ${ran.stderr}`);
    return agent.log().includes('"operation"');
  } finally {
    await agent.stop();
  }
}

test.serial(
  'a caller in other namespaces, or with other settings, does not use the agent',
  async (t) => {
    const world = await openWorld();
    try {
      const a = await world.container('a');
      const words = [process.execPath, DPCTL, '--root', world.root];
      const enter = ['nsenter', `--net=/run/netns/${world.node}`];
      const attach = [...words, 'attach', a];
      t.true(await askedBy(world, [...enter, ...attach]));
      t.false(await askedBy(world, [...enter, ...attach, '--direct']));
      t.false(await askedBy(world, ['ip', 'netns', 'exec', world.node, ...attach]), 'other mounts');
      t.false(
        await askedBy(world, ['unshare', '--pid', '--fork', ...enter, ...attach]),
        'other pids',
      );
      t.false(await askedBy(world, [...enter, ...attach], { DPCTL_TC: 'auto' }), 'ways of its own');
      t.false(
        await askedBy(world, [...enter, 'env', '-C', '/run/netns', ...words, 'attach', `./${a}`]),
        'a path from where it stands',
      );
      t.true(await askedBy(world, [...enter, ...words, 'attach', `/run/netns/${a}`]));
    } finally {
      await world.close();
    }
  },
);

test.serial(
  'a command gives up on a stopped agent, and does not wait for a dead one',
  async (t) => {
    const world = await openWorld();
    try {
      const a = await world.container('a');
      const agent = await world.serve();
      agent.process.kill('SIGSTOP');
      const hung = await world.dpctl(['attach', a, '-j'], { DPCTL_AGENT_TIMEOUT: '500' });
      t.is(hung.code, 5, hung.stderr);
      t.like(JSON.parse(hung.stderr), { code: 'AGENT_HUNG' });
      t.regex(hung.stderr, /--direct/);
      t.is((await world.dpctl(['endpoints', '-o', 'name', '--direct'])).stdout, '');
      agent.process.kill('SIGCONT');
      await sleep(500);
      const list = await world.ask('GET', '/v1/endpoints');
      t.deepEqual(list.body, [], 'what nobody waits for is not done');

      agent.process.kill('SIGSTOP');
      const waiting = world.dpctl(['attach', a, '-j']);
      await sleep(1500);
      agent.process.kill('SIGKILL');
      const ran = await waiting;
      t.is(ran.code, 0, ran.stderr);
      t.is((await world.dpctl(['attach', a])).code, 0, 'a socket that nobody listens at');
      rmSync(world.socket);
      t.regex((await world.dpctl(['attach', a])).stderr, /^unchanged/);
    } finally {
      await world.close();
    }
  },
);
