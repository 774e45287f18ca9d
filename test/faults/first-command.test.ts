/** The first command on a machine creates all that it needs; if it is stopped anywhere, nothing is left. */
import test, { type ExecutionContext } from 'ava';
import { differences, type Snapshot, takeSnapshot } from '../helpers/snapshot.js';
import { type Lab, openLab } from '../system/helpers/lab.js';
import { chosen, logChoice } from './helpers/sample-points.js';

/** A namespace on a node where dpctl was never used. */
interface Virgin {
  readonly lab: Lab;
  readonly ns: string;
  readonly before: Snapshot;
  readonly points: readonly string[];
  look(): Promise<Snapshot>;
}

async function onVirgin(t: ExecutionContext, use: (virgin: Virgin) => Promise<void>) {
  t.timeout(300_000);
  logChoice(t);
  const lab = await openLab();
  try {
    const ns = await lab.container('x');
    const look = (): Promise<Snapshot> => takeSnapshot(lab, [ns]);
    const before = await look();
    const steps = await lab.json<unknown[]>(['attach', ns, '--dry-run']);
    t.deepEqual(differences(before, await look()), [], 'a dry run changes nothing');
    const points = chosen([
      ...['node.prepared', 'node.installed', 'store.intent'],
      ...steps.map((_, index) => `step.${index}`),
      'store.ready',
    ]);
    await use({ lab, ns, before, points, look });
  } finally {
    await lab.close();
  }
}

async function kill(t: ExecutionContext, lab: Lab, ns: string, point: string): Promise<void> {
  const { code, stderr } = await lab.dpctl(['attach', ns], { env: { DPCTL_FAULT: point } });
  t.is(code, 255, `killed at ${point}: ${stderr}`);
}

test.serial('the first attach fails at any step: the machine is unchanged', (t) =>
  onVirgin(t, async ({ lab, ns, before, points, look }) => {
    for (const point of points) {
      const { code, stdout } = await lab.dpctl(['attach', ns], {
        env: { DPCTL_FAULT_ERROR: point },
      });
      t.is(code, 2);
      t.is(stdout, '');
      t.deepEqual(differences(before, await look()), [], `failed at ${point}`);
    }
  }),
);

test.serial('the first attach is killed at any step: reset leaves nothing of it', (t) =>
  onVirgin(t, async ({ lab, ns, before, points, look }) => {
    for (const point of points) {
      await kill(t, lab, ns, point);
      await lab.must('reset', '--yes');
      t.deepEqual(differences(before, await look()), [], `killed at ${point}, reset`);
    }
  }),
);

test.serial('the first attach is killed at any step: repeated, it works', (t) =>
  onVirgin(t, async ({ lab, ns, before, points, look }) => {
    for (const point of points) {
      await kill(t, lab, ns, point);
      await lab.must('attach', ns);
      t.is((await lab.dpctl(['status'])).code, 0, `killed at ${point}, attached`);
      await lab.within(ns, 'ping', '-c', '1', '-W', '1', '10.201.0.2');
      await lab.must('reset', '--yes');
      t.deepEqual(differences(before, await look()), [], `killed at ${point}, attached, reset`);
    }
  }),
);
