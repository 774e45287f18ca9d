/** `dpctl lab` creates a lab as requested, changes it, and removes it without a trace. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Check, once, testRequiring } from '../helpers/requirements.js';
import { pings } from '../system/helpers/conversation.js';
import { DPCTL, type Ran, run } from '../system/helpers/lab.js';
import { address6Of, addressOf, type Nodes, onNodes, prepareNodes } from './helpers/nodes.js';

/** A queueing discipline of the kernel; tried in a temporary namespace. */
function qdisc(kind: string): Check {
  return once(`qdisc ${kind}`, () => {
    const words = ['-n', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', kind];
    const made = spawnSync('unshare', words, { encoding: 'utf8' });
    return made.status === 0
      ? undefined
      : `the qdisc ${kind}, and the kernel says: ${made.stderr.trim()}`;
  });
}

interface Row {
  readonly lab: string;
  readonly where: string;
  readonly kind: string;
  readonly ns: string;
  readonly network: string;
  readonly vni: number;
  readonly ip4: string;
}

const labOf = (nodes: Nodes, ...words: string[]): Promise<Ran> =>
  run([process.execPath, DPCTL, '--root', nodes.root, ...words]);

/** Everything with the lab's name or root: namespaces, mounts, files. */
function traces({ name, root }: Nodes): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [
    ...readdirSync('/run/netns').filter((ns) => ns.startsWith(`${name}-`)),
    ...mounts.filter((line) => line.includes(root)),
    ...(existsSync(root) ? readdirSync(root) : []),
  ];
}

async function list(nodes: Nodes): Promise<Row[]> {
  return JSON.parse((await nodes.lab('list', '-o', 'json')).stdout) as Row[];
}

async function everyoneTalks(t: ExecutionContext, nodes: Nodes, count: number): Promise<void> {
  for (let from = 1; from <= count; from++) {
    for (let to = 1; to <= count; to++) {
      if (from === to) continue;
      t.true(await pings(nodes.ns(`n${from}e1`), addressOf(to, 1)), `${from} -> ${to}`);
      t.true(await pings(nodes.ns(`n${from}e1`), address6Of(to, 1)), `${from} -> ${to}, IPv6`);
    }
  }
}

test.serial('up, up again, larger, smaller, down: and nothing is left', async (t) => {
  const nodes = prepareNodes();
  try {
    const up = await nodes.lab('up', '--endpoints', '1');
    t.is(up.code, 0, up.stderr);
    t.is(up.stdout, '');
    t.regex(
      up.stderr,
      /^lab t\d+x\d+ is up: 2 nodes, 2 endpoints, 1 network, underlay gso mtu 1500 \(\d+ ms\)$/,
    );
    t.deepEqual(
      (await list(nodes)).map(({ where, kind, vni, ip4 }) => [where, kind, vni, ip4]),
      [
        ['n1', 'node', 0, '172.31.210.1/24'],
        ['n1e1', 'endpoint', 210, '10.210.1.1/16'],
        ['n2', 'node', 0, '172.31.210.2/24'],
        ['n2e1', 'endpoint', 210, '10.210.2.1/16'],
      ],
    );
    const [endpoint] = await nodes.json<[{ owner: string }]>('n1', 'endpoints');
    t.regex(endpoint.owner, /^lab\/t\d+x\d+$/);
    await everyoneTalks(t, nodes, 2);

    const again = await nodes.lab('up');
    t.regex(again.stderr, /^lab t\d+x\d+ unchanged: 2 nodes, 2 endpoints, /, 'nothing to do');
    await everyoneTalks(t, nodes, 2);

    t.is((await nodes.lab('up', '--nodes', '3', '--vnis', '2')).code, 0);
    t.is((await list(nodes)).length, 3 + 3 * 2);
    await everyoneTalks(t, nodes, 3);
    t.true(await pings(nodes.ns('n3e1v2'), addressOf(1, 1, 2)), 'the second network');
    for (const where of ['n1', 'n2', 'n3']) await nodes.must(where, 'status');

    t.is((await nodes.lab('up', '--nodes', '2', '--vnis', '1', '--endpoints', '2')).code, 0);
    t.deepEqual(
      (await list(nodes)).map(({ where }) => where),
      ['n1', 'n1e1', 'n1e2', 'n2', 'n2e1', 'n2e2'],
    );
    await everyoneTalks(t, nodes, 2);
    for (const where of ['n1', 'n2']) await nodes.must(where, 'status');

    const down = await nodes.lab('down');
    t.deepEqual([down.code, down.stdout], [0, '']);
    t.is(down.stderr, `lab ${nodes.name} is gone`);
    t.deepEqual(traces(nodes), []);
    const gone = await nodes.lab('down');
    t.deepEqual([gone.code, gone.stderr], [0, `unchanged: there is no lab ${nodes.name}`]);
    t.deepEqual(await list(nodes), []);
  } finally {
    await nodes.close();
  }
});

test.serial('a wire cuts segments, and has the MTU that was asked for', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire', '--mtu', '9000'], async (nodes) => {
    const shown = await nodes.within('n1', 'ethtool', '-k', 'under0');
    t.regex(shown, /tcp-segmentation-offload: off/);
    t.regex(shown, /generic-receive-offload: on/);
    const [underlay] = await nodes.json<[{ mtu: number; endpoint_mtu: number; decap: string }]>(
      'n1',
      'underlay',
      'show',
    );
    t.deepEqual([underlay.mtu, underlay.endpoint_mtu, underlay.decap], [9000, 8950, 'tc-gro']);
    t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1), '-M', 'do', '-s', `${8950 - 28}`));
    t.is((await nodes.lab('up', '--underlay', 'gso', '--mtu', '1500')).code, 0);
    await everyoneTalks(t, nodes, 2);
    t.regex(await nodes.within('n1', 'ethtool', '-k', 'under0'), /tcp-segmentation-offload: on/);
  }),
);

testRequiring(qdisc('netem')).serial('a poor line loses and delays', (t) =>
  onNodes(['--endpoints', '1', '--delay', '20'], async (nodes) => {
    const slow = await nodes.within('n1e1', 'ping', '-c', '2', '-i', '0.1', addressOf(2, 1));
    t.true(Number(/= ([\d.]+)\//.exec(slow)?.[1]) >= 40, slow);
    t.is((await nodes.lab('up', '--delay', '0', '--loss', '100')).code, 0);
    t.false(await pings(nodes.ns('n1e1'), addressOf(2, 1)), 'everything is lost');
    t.is((await nodes.lab('up', '--loss', '0')).code, 0);
    t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)), 'and nothing again');
  }),
);

const without = qdisc('netem')() === undefined ? 'nothing to lack' : 'netem';
test.serial(`loss and delay are refused if the kernel cannot do them (${without})`, async (t) => {
  const nodes = prepareNodes();
  try {
    const ran = await nodes.lab('up', '--loss', '5');
    if (without !== 'netem') {
      t.is(ran.code, 0);
      return;
    }
    t.deepEqual([ran.code, ran.stdout], [2, '']);
    t.regex(ran.stderr, /^error\[LAB_NETEM\].*\ntry: leave out --loss and --delay if/);
    t.deepEqual(traces(nodes), [], 'what was made for it is gone');
  } finally {
    await nodes.close();
  }
});

test.serial('the nodes may talk IPv6 to each other, and change to IPv4', (t) =>
  onNodes(['--endpoints', '1', '--family', 'ip6'], async (nodes) => {
    const mtu = async () =>
      (await nodes.json<[{ endpoint_mtu: number }]>('n1', 'underlay', 'show'))[0].endpoint_mtu;
    t.is(await mtu(), 1430);
    await everyoneTalks(t, nodes, 2);
    t.is((await nodes.lab('up', '--family', 'ip4')).code, 0);
    t.is(await mtu(), 1450);
    await everyoneTalks(t, nodes, 2);
    for (const where of ['n1', 'n2']) await nodes.must(where, 'status');
  }),
);

test.serial('exec runs a program in a node or endpoint, and passes on its exit code', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    const exec = (...words: string[]) =>
      labOf(nodes, 'lab', 'exec', '--name', nodes.name, ...words);
    const ping = await exec('n1e1', 'ping', '-c', '1', '-W', '1', addressOf(2, 1));
    t.is(ping.code, 0, ping.stderr);
    t.regex(ping.stdout, / 0% packet loss/);
    t.is((await exec('n1e1', 'sh', '-c', 'exit 7')).code, 7);
    const own = await exec('n2', 'dpctl', 'endpoints', '-o', 'name');
    t.deepEqual([own.code, own.stdout], [0, nodes.ns('n2e1')], 'dpctl works on that node');
    t.not((await exec('n1e1', 'no-such-program')).code, 0);
    t.is((await exec('n1e1', 'sh', '-c', 'kill -TERM $$')).code, 143);

    const nowhere = await exec('n9', 'true');
    t.deepEqual([nowhere.code, nowhere.stdout], [3, '']);
    t.regex(
      nowhere.stderr,
      /^error\[LAB_PLACE\]: lab t\d+x\d+ has no "n9"\n?try: dpctl --root \S+ lab list/,
    );
    const nothing = await labOf(nodes, 'lab', 'exec', '--name', 'nosuchlab', 'n1', 'true');
    t.is(nothing.code, 3);
    t.regex(
      nothing.stderr,
      /^error\[LAB_NOT_UP\].*\ntry: dpctl --root \S+ lab up --name nosuchlab$/,
    );
    t.is((await exec('n1e1')).code, 1, 'a program is needed');
  }),
);

test.serial('an impossible lab is refused before anything is created', async (t) => {
  const nodes = prepareNodes();
  try {
    const bad: readonly (readonly [string[], RegExp])[] = [
      [
        ['--nodes', '0'],
        /^error\[LAB_RANGE\]: --nodes 0: must be from 1 to 250\ntry: dpctl --root \S+ lab up --nodes 1$/,
      ],
      [['--nodes', '251'], /LAB_RANGE/],
      [['--vnis', '47'], /LAB_RANGE/],
      [['--mtu', '1349'], /LAB_RANGE/],
      [['--loss', '101'], /LAB_RANGE/],
      [['--underlay', 'fibre'], /BAD_VALUE.*gso, wire/],
      [['--name', 'a-b'], /LAB_NAME_INVALID/],
    ];
    for (const [flags, message] of bad) {
      const ran = await nodes.lab('up', ...flags);
      t.deepEqual([ran.code, ran.stdout], [1, ''], flags.join(' '));
      t.regex(ran.stderr, message);
      t.deepEqual(traces(nodes), []);
    }
    await run(['ip', 'netns', 'add', nodes.ns('n1')]);
    const foreign = await nodes.lab('up');
    t.is(foreign.code, 1);
    t.regex(foreign.stderr, /^error\[NETNS_EXISTS\]: namespace t\d+x\d+-n1 exists, but lab/);
  } finally {
    await run(['ip', 'netns', 'del', nodes.ns('n1')]);
    await nodes.close();
  }
});

test.serial('down removes a lab whose records are damaged', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    writeFileSync(`${nodes.rootOf('n1')}/run/dpctl/endpoints.json`, '{"version":1,"endpoints":7}');
    const down = await nodes.lab('down');
    t.is(down.stderr, `lab ${nodes.name} is gone`);
    t.deepEqual(traces(nodes), []);
    t.is((await nodes.lab('down')).stderr, `unchanged: there is no lab ${nodes.name}`);
  }),
);

test.serial('down removes what is left of a lab, whatever was deleted by hand', (t) =>
  onNodes(['--endpoints', '1', '--nodes', '3'], async (nodes) => {
    await run(['ip', 'netns', 'del', nodes.ns('n1')]);
    await run(['ip', 'netns', 'del', nodes.ns('n2e1')]);
    // Before the switch, which removes it a moment later.
    await nodes.within('n3', 'ip', 'link', 'del', 'under0');
    await run(['ip', 'netns', 'del', nodes.ns('sw')]);
    const down = await nodes.lab('down');
    t.is(down.code, 0, down.stderr);
    t.deepEqual(traces(nodes), []);
  }),
);
