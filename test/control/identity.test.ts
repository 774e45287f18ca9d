/**
 * A device or a namespace is identified by what it is, never by a name or number that another one may now
 * have.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Lab, openLab, run } from '../system/helpers/lab.js';
import { eventually, start } from '../system/helpers/process.js';

interface Row {
  readonly ns: string;
}

async function onLab(t: ExecutionContext, use: (lab: Lab) => Promise<void>): Promise<void> {
  t.timeout(240_000);
  const lab = await openLab();
  try {
    await use(lab);
  } finally {
    await lab.close();
  }
}

const namesOf = async (lab: Lab): Promise<string[]> =>
  (await lab.json<Row[]>(['endpoints'])).map(({ ns }) => ns);

const pidsIn = async (ns: string): Promise<number[]> =>
  (await run(['ip', 'netns', 'pids', ns])).stdout.split('\n').map(Number);

const reaches = async (lab: Lab, ns: string, address: string): Promise<boolean> =>
  (await lab.inside(ns, ['ping', '-c', '1', '-W', '2', address])).code === 0;

test.serial("a veth to another namespace is not mistaken for a container's", (t) =>
  onLab(t, async (lab) => {
    const [a, b, far] = [
      await lab.container('a'),
      await lab.container('b'),
      await lab.container('f'),
    ];
    // Both are number 2 in their namespaces, and so are their peers in theirs.
    await lab.within(a, 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'x', 'netns', far);
    await lab.within(
      b,
      'ip',
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      'y',
      'netns',
      lab.node,
    );
    const { code, stderr } = await lab.dpctl(['attach', a]);
    t.is(code, 1, stderr);
    t.regex(stderr, /INTERFACE_EXISTS.*its other end is not in the namespace of this node/);
    t.deepEqual(await namesOf(lab), []);
    await lab.must('attach', b);
    t.deepEqual(await namesOf(lab), [b]);
  }),
);

test.serial('detach by a reused name leaves the new namespace attached', (t) =>
  onLab(t, async (lab) => {
    const [a, b] = [await lab.container('a'), await lab.container('b')];
    await lab.must('attach', a);
    await lab.must('attach', b);
    await run(['ip', 'netns', 'del', a]);
    await run(['touch', `/run/netns/${a}`]);
    await run(['mount', '--bind', `/run/netns/${b}`, `/run/netns/${a}`]);
    const { stderr } = await lab.must('detach', a);
    t.regex(stderr, new RegExp(`another namespace by now .* stays attached as ${b}`));
    t.deepEqual(await namesOf(lab), [b]);
  }),
);

test.serial('detach by a reused pid detaches only what was attached by it', (t) =>
  onLab(t, async (lab) => {
    const b = await lab.container('b');
    const dead = start(t, await lab.container('a'), ['sleep', '60']);
    await lab.must('attach', String(dead.pid));
    await dead.stop();
    await run(['ip', 'netns', 'del', b.replace(/b$/, 'a')]);
    // Also removes the dead one, as no record has its number.
    await lab.must('attach', b);
    const live = start(t, b, ['sleep', '60']);
    t.true(await eventually(async () => (await pidsIn(b)).includes(live.pid)));
    const pid = String(live.pid);
    for (const ref of [pid, `/proc/${pid}/ns/net`]) {
      const { stderr } = await lab.must('detach', ref);
      t.regex(
        stderr,
        new RegExp(`note: ${ref} is in the namespace that is attached as ${b}, which`),
      );
      const refused = await lab.dpctl(['fdb', 'add', '02:00:00:00:44:44', ref]);
      t.is(refused.code, 3, refused.stderr);
    }
    t.deepEqual(await namesOf(lab), [b]);
    await lab.must('detach', `/run/netns/${b}`);
    t.deepEqual(await namesOf(lab), []);
  }),
);

test.serial('attach by a reused name reports the earlier namespace', (t) =>
  onLab(t, async (lab) => {
    const a = await lab.container('a');
    await lab.must('attach', a);
    const sleeper = start(t, a, ['sleep', '60']);
    try {
      await eventually(async () => (await pidsIn(a)).length > 1);
      await run(['ip', 'netns', 'del', a]);
      await run(['ip', 'netns', 'add', a]);
      const { stderr } = await lab.must('attach', a);
      t.regex(
        stderr,
        new RegExp(
          `note: ${a} used to be another namespace, which still exists .*10\\.201\\.0\\.2`,
        ),
      );
      const again = await lab.must('attach', a);
      t.notRegex(again.stderr, /another namespace/, 'said once');
    } finally {
      await sleeper.stop();
    }
  }),
);

test.serial("a symlink loop at a namespace's path affects only that endpoint", (t) =>
  onLab(t, async (lab) => {
    const [a, b] = [await lab.container('a'), await lab.container('b')];
    const path = join(lab.root, 'ns');
    writeFileSync(path, '');
    await run(['mount', '--bind', `/run/netns/${a}`, path]);
    await lab.must('attach', path);
    await run(['umount', path]);
    rmSync(path);
    symlinkSync(path, path);
    await lab.must('attach', b);
    t.is((await lab.json<unknown[]>(['endpoints'])).length, 2);
    const refused = await lab.dpctl(['attach', path]);
    t.is(refused.code, 3, refused.stderr);
    t.regex(refused.stderr, /^error\[NETNS_NOT_FOUND\]: there is no network namespace at /);
    await lab.must('detach', path);
    t.deepEqual(await namesOf(lab), [b]);
  }),
);

test.serial('a gateway without any record is recognized by its mark and recreated', (t) =>
  onLab(t, async (lab) => {
    const a = await lab.container('a');
    await lab.must('network', 'add', 'lan', '--subnet', '10.9.0.0/24', '--gateway');
    await lab.must('attach', a, '--network', 'lan');
    for (const path of ['run/dpctl/endpoints.json', 'var/lib/dpctl/endpoints.copy.json']) {
      rmSync(join(lab.root, path));
    }
    await lab.must('reconcile');
    t.is((await lab.dpctl(['status'])).code, 0);
    await lab.must('attach', a, '--network', 'lan');
    t.true(await reaches(lab, a, '10.9.0.1'));
  }),
);

test.serial('a foreign eth0 in one namespace does not delay the others', (t) =>
  onLab(t, async (lab) => {
    const [a, b, c] = [
      await lab.container('a'),
      await lab.container('b'),
      await lab.container('c'),
    ];
    for (const ns of [a, b, c]) await lab.must('attach', ns);
    // One renames its interface, the other deletes it; both put another in its place.
    await lab.within(a, 'ip', 'link', 'set', 'eth0', 'down');
    await lab.within(a, 'ip', 'link', 'set', 'eth0', 'name', 'lan0');
    await lab.within(a, 'ip', 'link', 'set', 'lan0', 'up');
    await lab.within(b, 'ip', 'link', 'del', 'eth0');
    for (const ns of [a, b]) {
      await lab.within(ns, 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'other0');
    }
    await lab.within(c, 'ip', 'addr', 'flush', 'dev', 'eth0', 'scope', 'global');
    const { code, stderr } = await lab.dpctl(['reconcile']);
    t.is(code, 2, stderr);
    t.regex(stderr, /^error\[ENDPOINTS_FAILED\]: everything else is done, but 2 endpoints/);
    t.regex(stderr, new RegExp(`${a}/eth0: .*is called lan0 there; ${b}/eth0: `));
    t.true(await reaches(lab, a, '10.201.0.4'), 'the renamed one still works, and c is repaired');
    const status = await lab.dpctl(['status', '-o', 'name']);
    t.deepEqual(status.stdout.trim().split('\n'), ['INTERFACE_EXISTS', 'INTERFACE_EXISTS']);
    // Apply the remedy.
    for (const ns of [a, b]) await lab.within(ns, 'ip', 'link', 'del', 'eth0');
    await lab.must('reconcile');
    t.is((await lab.dpctl(['status'])).code, 0);
    t.true(await reaches(lab, b, '10.201.0.4'));
  }),
);

test.serial("a dead endpoint's device that now belongs to another root is left alone", (t) =>
  onLab(t, async (lab) => {
    const [a, b] = [await lab.container('a'), await lab.container('b')];
    const root = mkdtempSync(join(tmpdir(), 'dpctl-second-'));
    const second = (...args: string[]) => lab.dpctl(['--root', root, ...args]);
    try {
      await lab.must('attach', a);
      await lab.within(lab.node, 'ip', 'link', 'del', 'dp000001');
      await run(['ip', 'netns', 'del', a]);
      t.is((await second('attach', b)).code, 0);
      const before = await lab.within(lab.node, 'ip', '-br', 'link');
      t.true(before.includes('dp000001'), before);
      await lab.must('reconcile');
      t.is(await lab.within(lab.node, 'ip', '-br', 'link'), before);
      t.is((await second('status')).code, 0);
    } finally {
      await second('reset', '--yes');
      rmSync(root, { recursive: true, force: true });
    }
  }),
);

test.serial('a recreated node namespace is reported, and reconcile --adopt moves to it', (t) =>
  onLab(t, async (lab) => {
    const a = await lab.container('a');
    await lab.must('network', 'add', 'lan', '--subnet', '10.83.0.0/24', '--gateway');
    await lab.must('attach', a, '--network', 'lan');
    for (const verb of ['del', 'add']) await run(['ip', 'netns', verb, lab.node]);
    for (const args of [['status'], ['endpoints'], ['reconcile'], ['attach', a]]) {
      const { code, stderr } = await lab.dpctl(args);
      t.is(code, 3, args.join(' '));
      t.regex(stderr, /^error\[NODE_NETNS_CHANGED\]: .*\ntry: dpctl reconcile --adopt/);
    }
    await lab.must('reconcile', '--adopt');
    t.is((await lab.dpctl(['status'])).code, 0);
    t.true(await reaches(lab, lab.node, '10.83.0.2'));
  }),
);
