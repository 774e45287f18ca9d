/**
 * Commands interrupted at random moments by random signals: after one more command the node is as
 * requested, and after a reset nothing is left. DPCTL_INTERRUPTS sets their number, DPCTL_INTERRUPTS_SEED
 * repeats a run.
 */
import { existsSync, readdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { status } from '../../src/observe/status/status.js';
import { openLabNode } from '../helpers/node.js';
import { makeRandom, type Random } from '../helpers/random.js';
import { differences, takeSnapshot } from '../helpers/snapshot.js';
import { addressOf, prepareNodes } from '../lab/helpers/nodes.js';
import { pings } from '../system/helpers/conversation.js';
import { DPCTL, type Lab, openLab, PATH, run } from '../system/helpers/lab.js';
import {
  type Command,
  type Containers,
  commandsOn,
  type Facts,
  factsOf,
  lasting,
  sameFacts,
  withoutNamespace,
} from './helpers/world.js';

/** By default, a bounded run: as many as fit into some 40 seconds. */
const COUNT = Number(process.env.DPCTL_INTERRUPTS || 1_000);
const SECONDS = process.env.DPCTL_INTERRUPTS ? 7_200 : 40;
const SEED = Number(process.env.DPCTL_INTERRUPTS_SEED || Date.now() % 1_000_000);
const REPEAT = `DPCTL_INTERRUPTS=${COUNT} DPCTL_INTERRUPTS_SEED=${SEED} make test-interrupts`;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;

interface Interrupt {
  readonly milliseconds: number;
  readonly signal: (typeof SIGNALS)[number];
  /** Also to the programs that it has started, as by a terminal's Ctrl-C or the end of a service. */
  readonly group: boolean;
}

/** A random signal at a random moment, within the usual duration of the command. */
function someInterrupt(random: Random, duration: number): Interrupt {
  return {
    milliseconds: random.below(Math.ceil(duration * 1.1)),
    signal: random.pick(SIGNALS),
    group: random.chance(50),
  };
}

const interruptText = ({ milliseconds, signal, group }: Interrupt): string =>
  `${signal}${group ? ' to all' : ''} after ${milliseconds} ms`;

/** Start a command and send it a signal. @returns whether the signal came before the command had ended */
async function interrupt(
  t: ExecutionContext,
  argv: readonly string[],
  { milliseconds, signal, group }: Interrupt,
): Promise<boolean> {
  const [file = '', ...args] = argv;
  const child = execa(file, args, {
    reject: false,
    stdin: 'ignore',
    detached: true,
    env: { PATH },
  });
  const timer = setTimeout(() => {
    try {
      process.kill(group ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
    } catch {
      // It has ended.
    }
  }, milliseconds);
  const { signal: died, exitCode, stderr } = await child;
  clearTimeout(timer);
  const isDead = died !== undefined || exitCode === 130;
  if (!isDead) t.is(exitCode, 0, `${args.join(' ')}: ${stderr}`);
  return isDead;
}

/** Namespaces, a device for the underlay, and a veth that is not dpctl's. */
async function setUp(lab: Lab): Promise<Containers> {
  const [plain, twice, owner] = [
    await lab.container('a'),
    await lab.container('b'),
    await lab.container('o'),
  ];
  for (const line of [
    'link add u0 type veth peer u1',
    'link set u0 up',
    'link set u1 up',
    'addr add 192.0.2.1/24 dev u0',
    `link add vh0 mtu 1400 type veth peer name eth0 mtu 1400 netns ${owner}`,
  ]) {
    await lab.within(lab.node, 'ip', ...line.split(' '));
  }
  await lab.within(lab.node, 'ethtool', '-K', 'u0', 'gro', 'on');
  await lab.within(owner, 'ip', 'addr', 'add', '10.201.0.99/16', 'dev', 'eth0');
  return { plain, twice, owner, made: `${plain}m` };
}

/** The requested state of the node, and the differences that status finds. */
async function observed(lab: Lab): Promise<{ facts: Facts; problems: readonly string[] }> {
  const node = openLabNode(lab);
  try {
    const { problems } = await status(node);
    return {
      facts: factsOf((await node.store.load()).state),
      // This difference is expected.
      problems: problems
        .filter(({ code }) => code !== 'NO_UNDERLAY')
        .map(({ code, message }) => `${code}: ${message}`),
    };
  } finally {
    node.close();
  }
}

/** One more command after an interrupted one, and the states that are allowed then. */
interface Next {
  readonly args: readonly string[];
  readonly allowed: readonly Facts[];
}

function nextAfter(
  random: Random,
  { args, after }: Command,
  made: string,
  known: Facts,
  died: boolean,
): Next {
  const wanted = after(known);
  // A change that was interrupted before it was recorded was never requested.
  const either = died ? [wanted, known] : [wanted];
  // Half of a reset leaves a node without the namespace that it made, or without the state that ends with a
  // boot.
  if (args[0] === 'reset') either.push(lasting(known), withoutNamespace(known, made));
  const kind = random.below(100);
  if (kind < 40) return { args, allowed: [wanted] };
  if (kind < 70) return { args: ['reconcile'], allowed: either };
  const spare = (facts: Facts): Facts => new Set([...facts, 'network spare']);
  return {
    args: ['network', 'add', 'spare', '--subnet', '10.94.0.0/24'],
    allowed: either.map(spare),
  };
}

test.serial(
  'interrupted at any moment: one more command, and the node is as requested',
  async (t) => {
    t.timeout(SECONDS * 1000 + 120_000);
    t.log(REPEAT);
    const random = makeRandom(SEED);
    const lab = await openLab();
    const end = performance.now() + SECONDS * 1000;
    let [rounds, interrupted, resets] = [0, 0, 0];
    let made: string | undefined;
    try {
      const containers = await setUp(lab);
      made = containers.made;
      const look = () => takeSnapshot(lab, [...Object.values(containers)]);
      const clean = await look();
      const commands = commandsOn(containers);
      const durations = new Map<string, number>();
      let known: Facts = new Set();
      for (; rounds < COUNT && performance.now() < end; rounds++) {
        const command = random.pick(commands.filter(({ when }) => when?.(known) ?? true));
        const words = command.args.join(' ');
        const how = someInterrupt(random, durations.get(words) ?? 600);
        const inNode = [
          'ip',
          'netns',
          'exec',
          lab.node,
          process.execPath,
          DPCTL,
          '--root',
          lab.root,
        ];
        const died = await interrupt(t, [...inNode, ...command.args], how);
        if (died) interrupted++;
        const next = nextAfter(random, command, made, known, died);
        const what = `${rounds}: ${words}, ${interruptText(how)}; then ${next.args.join(' ')}`;
        const start = performance.now();
        const ran = await lab.dpctl(next.args);
        if (next.args === command.args) durations.set(words, performance.now() - start);
        const why = `${what}: ${ran.code} ${ran.stderr}\n${REPEAT}`;
        if (ran.code !== 0) throw new Error(why);
        if (command.args[0] === 'reset' && next.args === command.args) {
          resets++;
          const left = differences(clean, await look());
          if (left.length > 0) throw new Error(`${why}\n${left.join('\n')}`);
        }
        const { facts, problems } = await observed(lab);
        known = facts;
        if (!next.allowed.some((facts) => sameFacts(facts, known))) {
          throw new Error(`${why}\n${[...known].sort().join(', ')}`);
        }
        if (problems.length > 0) throw new Error(`${why}\n${problems.join('\n')}`);
        const isThere = existsSync(`/run/netns/${made}`);
        if (isThere !== known.has(`${made} eth0`)) throw new Error(`${why}\n${made}: ${isThere}`);
      }
      await lab.must('reset', '--yes');
      t.deepEqual(differences(clean, await look()), [], REPEAT);
      t.true(interrupted > rounds / 4, 'otherwise this tests nothing');
    } finally {
      t.log(`${interrupted} of ${rounds} came before the command had ended; ${resets} resets`);
      await lab.close();
      if (made !== undefined && existsSync(`/run/netns/${made}`))
        await run(['ip', 'netns', 'del', made]);
    }
  },
);

test.serial(
  'lab up and lab down interrupted at any moment: the same once more is enough',
  async (t) => {
    const count = process.env.DPCTL_INTERRUPTS ? Math.ceil(COUNT / 20) : 1;
    t.timeout(count * 60_000 + 60_000);
    const random = makeRandom(SEED);
    const nodes = prepareNodes();
    const isThere = (): boolean =>
      readdirSync('/run/netns').some((name) => name.startsWith(`${nodes.name}-`));
    let duration = 4_000;
    try {
      for (let round = 0; round < count; round++) {
        for (const verb of ['up', 'down']) {
          const how = someInterrupt(random, duration);
          const words = ['lab', verb, '--name', nodes.name];
          const died = await interrupt(
            t,
            [process.execPath, DPCTL, '--root', nodes.root, ...words],
            how,
          );
          const what = `${round}: lab ${verb}, ${interruptText(how)}${died ? '' : ', too late'}`;
          const start = performance.now();
          const { code, stderr } = await nodes.lab(verb);
          if (verb === 'up') duration = Math.max(performance.now() - start, duration / 2);
          t.is(code, 0, `${what}: ${stderr}\n${REPEAT}`);
          if (verb === 'down') {
            t.false(isThere(), `${what}\n${REPEAT}`);
            t.deepEqual(readdirSync(nodes.root), [], `${what}\n${REPEAT}`);
            continue;
          }
          for (const where of ['n1', 'n2']) await nodes.must(where, 'status');
          t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)), `${what}\n${REPEAT}`);
        }
      }
    } finally {
      await nodes.close();
    }
  },
);
