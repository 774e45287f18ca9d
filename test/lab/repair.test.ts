/** `dpctl lab` on a lab that was damaged or interrupted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { pings } from '../system/helpers/conversation.js';
import { DPCTL, run } from '../system/helpers/lab.js';
import { address6Of, addressOf, type Nodes, onNodes, prepareNodes } from './helpers/nodes.js';

interface Row {
  readonly where: string;
  readonly state: string;
}

async function list(nodes: Nodes): Promise<Row[]> {
  const { code, stdout, stderr } = await nodes.lab('list', '-o', 'json');
  if (code !== 0) throw new Error(`lab list: ${code}\n${stderr}`);
  return JSON.parse(stdout) as Row[];
}

const shown = async (nodes: Nodes): Promise<string> =>
  (await list(nodes)).map(({ where, state }) => `${where} ${state}`).join(', ');

/** Dozens of commands in a row, on a machine that may be busy. */
const LONG = 600_000;

const WHOLE = 'n1 up, n1e1 up, n2 up, n2e1 up';

/** All parts of a lab of two nodes with an endpoint each. */
async function isWhole(t: ExecutionContext, nodes: Nodes, after: string): Promise<void> {
  t.is(await shown(nodes), WHOLE, after);
  t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)), after);
  t.true(await pings(nodes.ns('n2e1'), address6Of(1, 1)), `${after}, IPv6`);
  for (const where of ['n1', 'n2']) await nodes.must(where, 'status');
}

async function sh(line: string): Promise<void> {
  const { code, stderr } = await run(['sh', '-ec', line]);
  if (code !== 0) throw new Error(`${line}: ${stderr}`);
}

/** The mounts below a node's directory, and the directory. */
const removeRoot = (nodes: Nodes, where: string): string => {
  const root = nodes.rootOf(where);
  return `umount -l ${root}/run/dpctl/bpf ${root}/run/dpctl/netns; rm -r ${root}`;
};

/** A damage of a lab, and the parts that `lab list` does not show as up then. */
const DAMAGE: readonly (readonly [string, string, (nodes: Nodes) => string])[] = [
  ["a node's namespace deleted", 'n1 n1e1', (nodes) => `ip netns del ${nodes.ns('n1')}`],
  [
    "a node's namespace deleted and made again",
    'n2 n2e1',
    (nodes) => `ip netns del ${nodes.ns('n2')}; ip netns add ${nodes.ns('n2')}`,
  ],
  ['a container deleted', 'n1e1', (nodes) => `ip netns del ${nodes.ns('n1e1')}`],
  ['the switch deleted', '', (nodes) => `ip netns del ${nodes.ns('sw')}`],
  ['the bridge deleted', '', (nodes) => `ip -n ${nodes.ns('sw')} link del br0`],
  ['an underlay device deleted', '', (nodes) => `ip -n ${nodes.ns('n1')} link del under0`],
  [
    'an underlay device that leads elsewhere',
    '',
    (nodes) => `ip -n ${nodes.ns('n1')} link del under0
      ip -n ${nodes.ns('n1')} link add under0 type veth peer name p1 netns ${nodes.ns('n1e1')}`,
  ],
  ["a node's directory deleted", 'n1 n1e1', (nodes) => removeRoot(nodes, 'n1')],
  [
    "a file in the place of a node's directory",
    'n2 n2e1',
    (nodes) => `${removeRoot(nodes, 'n2')}; echo > ${nodes.rootOf('n2')}`,
  ],
  [
    "a node's records damaged",
    'n1 n1e1',
    (nodes) => `echo '{' > ${nodes.rootOf('n1')}/run/dpctl/endpoints.json`,
  ],
  [
    'namespaces unmounted, their files left',
    'n1 n1e1 n2e1',
    (nodes) => `umount /run/netns/${nodes.ns('n1')} /run/netns/${nodes.ns('n2e1')}`,
  ],
  ["the lab's record deleted", '', (nodes) => `rm ${nodes.rootOf('lab.json')}`],
  ["the lab's record damaged", '', (nodes) => `echo '{' > ${nodes.rootOf('lab.json')}`],
  [
    "the lab's record and its copy damaged",
    '',
    (nodes) => `for f in ${nodes.rootOf('lab.json')}*; do : > $f; done`,
  ],
];

test.serial('up repairs what was damaged, and list names it until then', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    t.timeout(LONG);
    for (const [what, ailing, damage] of DAMAGE) {
      await sh(damage(nodes));
      const rows = await list(nodes);
      const named = rows.filter(({ state }) => state !== 'up').map(({ where }) => where);
      t.is(named.join(' '), ailing, what);
      const { stderr } = await nodes.lab('list');
      const note = `is damaged: dpctl --root ${nodes.root} lab up --name ${nodes.name} repairs it`;
      t.is(stderr.includes(note), ailing !== '', `${what}: ${stderr}`);
      const up = await nodes.lab('up');
      t.is(up.code, 0, `${what}: ${up.stderr}`);
      await isWhole(t, nodes, what);
    }
    const again = await nodes.lab('up');
    t.regex(again.stderr, / unchanged: 2 nodes, 2 endpoints/);
  }),
);

test.serial('the remains of a lab are listed, and down removes all of them', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    const all = ['n1', 'n1e1', 'n2', 'n2e1', 'sw'].map((where) => nodes.ns(where));
    const left: readonly (readonly [string, string, string])[] = [
      [
        'the record alone',
        'n1 missing, n1e1 missing, n2 missing, n2e1 missing',
        `${removeRoot(nodes, 'n1')}; ${removeRoot(nodes, 'n2')}
          for ns in ${all.join(' ')}; do ip netns del $ns; done`,
      ],
      ['the directory alone', 'sw missing', `mkdir -p ${nodes.rootOf('.')}`],
      [
        'namespaces that no record knows',
        'n7 damaged, n7e3 damaged',
        `mkdir -p ${nodes.rootOf('.')}
          for place in sw n7 n7e3; do ip netns add ${nodes.name}-$place; done`,
      ],
      ['the switch', 'sw damaged', `mkdir -p ${nodes.rootOf('.')}; ip netns add ${nodes.ns('sw')}`],
    ];
    for (const [what, rows, make] of left) {
      await sh(make);
      t.is(await shown(nodes), rows, what);
      const down = await nodes.lab('down');
      t.deepEqual([down.code, down.stderr], [0, `lab ${nodes.name} is gone`], what);
      t.deepEqual(await list(nodes), [], what);
      t.deepEqual(
        readdirSync('/run/netns').filter((ns) => ns.startsWith(`${nodes.name}-`)),
        [],
        what,
      );
      t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes(nodes.root), what);
      t.deepEqual(existsSync(nodes.root) ? readdirSync(nodes.root) : [], [], what);
    }
  }),
);

/** A lab command that is interrupted after a while. @returns its exit code and output */
async function interrupted(nodes: Nodes, verb: string, milliseconds: number) {
  const argv = [DPCTL, '--root', nodes.root, 'lab', verb, '--name', nodes.name];
  const more = verb === 'up' ? ['--endpoints', '1'] : [];
  const child = spawn(process.execPath, [...argv, ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const timer = setTimeout(() => child.kill('SIGINT'), milliseconds);
  const [code] = (await once(child, 'close')) as [number];
  clearTimeout(timer);
  return { code, stderr };
}

test.serial('an interrupted up or down names the command that finishes it', async (t) => {
  t.timeout(LONG);
  const nodes = prepareNodes();
  const started = performance.now();
  t.is((await nodes.lab('up', '--endpoints', '1')).code, 0);
  const whole = performance.now() - started;
  await nodes.lab('down');
  let interrupts = 0;
  try {
    for (const verb of ['up', 'down'] as const) {
      for (let i = 1; i <= 3; i++) {
        if (verb === 'down') t.is((await nodes.lab('up', '--endpoints', '1')).code, 0);
        const { code, stderr } = await interrupted(nodes, verb, (whole * i) / 4);
        const at = `${verb} after ${Math.round((whole * i) / 4)} ms: ${stderr}`;
        if (code === 130) {
          const remedy = `lab ${verb} --name ${nodes.name}`;
          t.regex(stderr, new RegExp(`^error\\[INTERRUPTED\\]: dpctl lab ${verb} was`), at);
          t.true(stderr.trim().endsWith(`try: dpctl --root ${nodes.root} ${remedy}`), at);
          interrupts++;
        }
        // If nothing was written yet, there is nothing to finish.
        const known = existsSync(nodes.rootOf('lab.json'));
        const finish = await nodes.lab(verb);
        t.is(finish.code, 0, `${at}\n${finish.stderr}`);
        if (verb === 'up' && known) await isWhole(t, nodes, at);
        if (verb === 'down') t.deepEqual(await list(nodes), [], at);
        await nodes.lab('down');
        t.deepEqual(
          readdirSync('/run/netns').filter((ns) => ns.startsWith(`${nodes.name}-`)),
          [],
          at,
        );
      }
    }
    t.true(interrupts >= 2, `${interrupts} of 6 were interrupted`);
    t.log(`${interrupts} of 6 were interrupted within ${Math.round(whole)} ms`);
  } finally {
    await nodes.close();
  }
});
