/** A namespace made by dpctl is identified by what it is, wherever the command that makes it dies. */
import { existsSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Lab, openLab, run } from '../system/helpers/lab.js';

async function onLab(
  t: ExecutionContext,
  use: (lab: Lab, ns: string, path: string) => Promise<void>,
): Promise<void> {
  t.timeout(240_000);
  const lab = await openLab();
  const ns = await lab.container('x');
  await lab.within(lab.node, 'ip', 'netns', 'del', ns);
  try {
    await use(lab, ns, `/run/netns/${ns}`);
  } finally {
    await lab.close();
  }
}

/** Run a command that is killed at a point. */
async function die(lab: Lab, point: string, ...args: string[]): Promise<void> {
  const { code } = await lab.dpctl(args, { env: { DPCTL_FAULT: point } });
  if (code !== 255) throw new Error(`dpctl ${args.join(' ')} was not killed at ${point}: ${code}`);
}

for (const [point, what] of [
  ['step.0', 'before it had its name'],
  ['store.ready', 'before it was ready'],
] as const) {
  test.serial(`attach --create killed ${what}: a namesake of somebody else's is left alone`, (t) =>
    onLab(t, async (lab, ns, path) => {
      await die(lab, point, 'attach', ns, '--create');
      if (existsSync(path)) await run(['ip', 'netns', 'del', ns]);
      await run(['ip', 'netns', 'add', ns]);
      await lab.must('reconcile');
      t.deepEqual(await lab.json(['endpoints']), [], 'nobody asked for an endpoint in this one');
      t.is((await lab.dpctl(['status'])).code, 0);
      t.notRegex(await lab.within(ns, 'ip', 'link'), /eth0/);
      await die(lab, point, 'attach', `${ns}y`, '--create');
      await run(['ip', 'netns', 'del', `${ns}y`]);
      await run(['ip', 'netns', 'add', `${ns}y`]);
      await lab.must('reset', '--yes');
      t.true(existsSync(`${path}y`), 'reset deletes no namespace that is not its own');
      await run(['ip', 'netns', 'del', `${ns}y`]);
    }),
  );
}

test.serial('an empty file that an interrupt left in /run/netns is cleaned up', (t) =>
  onLab(t, async (lab, ns, path) => {
    for (const again of [['reconcile'], ['attach', ns, '--create']]) {
      await die(lab, 'step.0', 'attach', ns, '--create');
      // As if its `ip netns` child were interrupted with it.
      writeFileSync(path, '');
      await lab.must(...again);
      await lab.within(ns, 'ip', 'link', 'show', 'eth0');
      t.is((await lab.dpctl(['status'])).code, 0);
      await lab.must('detach', ns);
      t.false(existsSync(path));
    }
    for (const again of [['reconcile'], ['detach', ns], ['reset', '--yes']]) {
      await lab.must('attach', ns, '--create');
      await die(lab, 'store.intent', 'detach', ns);
      await die(lab, 'step.0', 'detach', ns);
      await run(['umount', path]);
      t.true(existsSync(path));
      await lab.must(...again);
      t.false(existsSync(path), again.join(' '));
    }
  }),
);

test.serial(
  'two interfaces of a namespace that was never created: both appear in one namespace',
  (t) =>
    onLab(t, async (lab, ns) => {
      await die(lab, 'step.0', 'attach', ns, '--create');
      await lab.must('attach', ns, '--create', '--ifname', 'eth1');
      for (const name of ['eth0', 'eth1']) await lab.within(ns, 'ip', 'link', 'show', name);
      t.is((await lab.dpctl(['status'])).code, 0);
      await lab.must('detach', ns);
      t.false(existsSync(`/run/netns/${ns}`));
    }),
);
