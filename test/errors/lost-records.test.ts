/**
 * Records and names that a node needs to undo its changes, lost or damaged in every combination: reset
 * either restores everything, or says what may be left and exits with 2. It never reports success while
 * something is left.
 */
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DPCTL, type Lab, openLab, type Ran, run } from '../system/helpers/lab.js';

let lab: Lab;
let old: string;
let one: string;
test.before(async () => {
  lab = await openLab();
  one = await lab.container('a');
  old = await lab.container('b');
  await lab.within(
    lab.node,
    'ip',
    'link',
    'add',
    'hv',
    'type',
    'veth',
    'peer',
    'eth0',
    'netns',
    old,
  );
});
test.after.always(() => lab?.close());

const made = (): string => `${lab.node}new`;

/** One of each kind of change that dpctl makes outside of its own files. */
async function setUp(): Promise<void> {
  await lab.must('network', 'add', 'lan', '--subnet', '10.97.0.0/24', '--gateway', '--masquerade');
  await lab.must('attach', one, '--network', 'lan');
  await lab.must('attach', old, '--network', 'lan');
  await lab.must('attach', made(), '--create', '--network', 'lan');
}

/** The present values of all of these: the same before and after means that nothing is left. */
async function traces(): Promise<string[]> {
  const { stdout: names } = await run(['ip', 'netns', 'list']);
  const addresses = await lab.within(old, 'ip', '-br', 'addr', 'show', 'eth0');
  return [
    await lab.within(lab.node, 'sysctl', 'net.ipv4.ip_forward'),
    // Without numbers and MACs of the far ends.
    (await lab.within(lab.node, 'ip', '-br', 'link')).replace(
      /@\S+|[0-9a-f]{2}(:[0-9a-f]{2}){5}/g,
      '',
    ),
    await lab.within(lab.node, 'nft', 'list', 'tables'),
    `${old} ${addresses.replaceAll(/@\S+/g, '').replaceAll(/\s+/g, ' ')}`,
    names.includes(made()) ? made() : '',
  ];
}

/** Clean up by hand, as users do after the message. */
async function cleanUp(): Promise<void> {
  await run(['ip', 'netns', 'del', made()]);
  for (const name of ['dpg1', 'dp000001', 'dp000002', 'dp000003', 'dp000004']) {
    await lab.inside(lab.node, ['ip', 'link', 'del', name]);
  }
  await lab.inside(lab.node, ['ip', 'link', 'set', 'hv', 'down', 'alias', '']);
  await lab.inside(lab.node, ['tc', 'qdisc', 'del', 'dev', 'hv', 'clsact']);
  await lab.inside(old, ['ip', 'addr', 'flush', 'dev', 'eth0']);
  await lab.inside(old, ['ip', 'link', 'set', 'eth0', 'down']);
  await lab.inside(lab.node, ['sysctl', '-qw', 'net.ipv4.ip_forward=0']);
  await lab.inside(lab.node, ['nft', 'flush', 'ruleset']);
}

const at = (...path: string[]): string => join(lab.root, ...path);
const remove = (...paths: string[]): void => {
  for (const path of paths) rmSync(at(path), { recursive: true });
};
const damage = (...paths: string[]): void => {
  for (const path of paths) writeFileSync(at(path), '{');
};
const umount = (...paths: string[]) => run(['umount', ...paths.map((path) => at(path))]);

const RUN = 'run/dpctl';
const LIB = 'var/lib/dpctl';
const ENDPOINTS = [`${RUN}/endpoints.json`, `${LIB}/endpoints.copy.json`] as const;
const NETWORKS = [`${LIB}/state.json`, `${RUN}/state.copy.json`] as const;

interface Case {
  readonly harm: () => unknown;
  /** Part of reset's error; undefined: everything is restored. */
  readonly says?: RegExp;
  /** The recorded part has been created again before. */
  readonly isMended?: boolean;
}

const ONLY_COPY: Case[] = [
  { harm: () => damage(ENDPOINTS[0]) },
  { harm: () => remove(ENDPOINTS[1]) },
];

const CASES: Readonly<Record<string, Case | readonly Case[]>> = {
  'one of the two records of endpoints': ONLY_COPY,
  'both records of networks lost': { harm: () => remove(...NETWORKS) },
  'both records of networks damaged': {
    harm: () => damage(...NETWORKS),
    says: /state\.json is lost or/,
  },
  'both records of endpoints lost': {
    harm: () => remove(...ENDPOINTS),
    says: /endpoints\.json and its copy are lost/,
  },
  'both records of endpoints lost, and a change since': {
    harm: async () => {
      remove(...ENDPOINTS);
      await lab.must('reconcile');
    },
    isMended: true,
    says: /endpoints\.json and its copy are lost/,
  },
  'both records of endpoints damaged': {
    harm: () => damage(...ENDPOINTS),
    says: /endpoints\.json is lost or damaged, and there is no whole copy/,
  },
  'one record of endpoints lost and the other one cut': {
    harm: () => {
      remove(ENDPOINTS[0]);
      truncateSync(at(ENDPOINTS[1]), readFileSync(at(ENDPOINTS[1])).length - 40);
    },
    says: /endpoints\.json is lost or damaged, and there is no whole copy/,
  },
  'all records lost, the pins not': {
    harm: () => remove(...ENDPOINTS, ...NETWORKS),
    says: /all records and their copies are lost/,
  },
  'both directories lost': {
    harm: async () => {
      await umount(`${RUN}/bpf`, `${RUN}/netns`);
      remove(RUN, LIB);
    },
    says: /this root has no record.*records are lost: .*dp000002 \(dpctl [0-9a-f]{12}\/2 /,
  },
  'all of /run lost': {
    harm: async () => {
      await umount(`${RUN}/bpf`, `${RUN}/netns`);
      remove(RUN);
    },
  },
};

async function harmAndReset(
  t: ExecutionContext,
  name: string,
  { harm, says, isMended = false }: Case,
): Promise<void> {
  const before = await traces();
  await setUp();
  await harm();
  const seen = await lab.dpctl(['status']);
  t.is(seen.code === 0, isMended, `${name}: what status calls healthy`);
  const ran = await lab.dpctl(['reset', '--yes']);
  t.is(ran.code, says === undefined ? 0 : 2, `${name}: ${ran.stderr}`);
  if (says === undefined) {
    t.deepEqual(await traces(), before, name);
    return;
  }
  t.regex(ran.stderr, says, name);
  t.regex(ran.stderr, /RESET_INCOMPLETE.*sysctls/, name);
  await cleanUp();
  t.deepEqual(await traces(), before, `${name}: the test itself has cleaned up`);
}

for (const [name, cases] of Object.entries(CASES)) {
  test.serial(`reset with ${name}`, async (t) => {
    t.timeout(240_000);
    for (const each of [cases].flat()) await harmAndReset(t, name, each as Case);
  });
}

/** dpctl outside the node's namespace, where only the records show which namespace is meant. */
const outside = (...args: string[]): Promise<Ran> =>
  run([process.execPath, DPCTL, '--root', lab.root, ...args], { env: { DPCTL_ROOT: lab.root } });

test.serial(
  "the lost name of the node's namespace does not make another one the node",
  async (t) => {
    t.timeout(120_000);
    const before = await traces();
    await setUp();
    await umount(`${RUN}/netns`);
    rmSync(at(RUN, 'netns'));
    t.regex((await outside('status')).stdout, /NETNS_NAME_LOST/);
    const again = await outside('attach', one, '--network', 'lan');
    t.regex(again.stdout + again.stderr, /unchanged/);
    await umount(`${RUN}/bpf`, `${RUN}/netns`);
    remove(RUN);
    const ran = await outside('reset', '--yes');
    t.is(ran.code, 0, ran.stderr);
    t.deepEqual(await traces(), before);
  },
);

test.serial("another namespace at the path of the node's is recognized", async (t) => {
  t.timeout(120_000);
  const before = await traces();
  await setUp();
  await umount(`${RUN}/netns`);
  await run(['mount', '--bind', `/run/netns/${one}`, at(RUN, 'netns')]);
  for (const args of [['status'], ['attach', old, '--network', 'lan'], ['reset', '--yes']]) {
    const { code, stderr } = await lab.dpctl(args);
    t.is(code, 3, stderr);
    t.regex(stderr, /NODE_NETNS_REPLACED/);
    t.regex(stderr, /try: umount \S+\/netns, then repeat/);
  }
  await umount(`${RUN}/netns`);
  const ran = await outside('reset', '--yes');
  t.is(ran.code, 0, ran.stderr);
  t.deepEqual(await traces(), before);
});

test.serial('parameters of two roots in one namespace are not undone by each other', async (t) => {
  t.timeout(120_000);
  const forwarding = (): Promise<string> =>
    lab.within(lab.node, 'sysctl', '-n', 'net.ipv4.ip_forward');
  t.is(await forwarding(), '0');
  const second = at('second');
  mkdirSync(second);
  const other = (...args: string[]): Promise<Ran> =>
    lab.inside(lab.node, [process.execPath, DPCTL, '--root', second, ...args]);
  for (const first of ['lab', 'other']) {
    await lab.must('network', 'add', 'lan', '--subnet', '10.97.0.0/24', '--gateway');
    // Devices are named by endpoint numbers: the gateway of the other root has another one.
    t.is((await other('attach', old)).code, 0);
    const added = await other('network', 'add', 'wan', '--subnet', '10.98.0.0/24', '--gateway');
    t.is(added.code, 0, added.stderr);
    const [mine, others] = [() => lab.dpctl(['reset', '--yes']), () => other('reset', '--yes')];
    const order = first === 'lab' ? [mine, others] : [others, mine];
    t.is((await order[0]?.())?.code, 0);
    t.is(await forwarding(), '1', `${first} was reset, and the other one needs it`);
    t.is((await order[1]?.())?.code, 0);
    t.is(await forwarding(), '0', `${first} was reset first`);
  }
});
