/** A long-lived process whose system calls fail must not accumulate anything. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { openLab, PATH } from '../system/helpers/lab.js';

const CHILD = fileURLToPath(new URL('helpers/cycles.js', import.meta.url));
const FAULTS = fileURLToPath(new URL('native/faults.so', import.meta.url));
/** By default, a bounded run: as many cycles as fit into a minute. */
const CYCLES = process.env.DPCTL_ENDURANCE_CYCLES;
const SECONDS = CYCLES === undefined ? 60 : 10_000;
const SEED = process.env.DPCTL_ENDURANCE_SEED ?? `${Date.now() % 1_000_000}`;

/** The report of the process at its end. */
interface Report {
  readonly cycles: number;
  readonly seconds: number;
  readonly faults: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  readonly grownKiB: number;
}

test.serial('attach and detach under failing system calls leave nothing behind', async (t) => {
  t.timeout((SECONDS + 600) * 1000);
  const lab = await openLab();
  try {
    const namespaces: string[] = [];
    for (const label of ['a', 'b', 'c', 'd']) namespaces.push(await lab.container(label));
    const words = [FAULTS, lab.root, SEED, CYCLES ?? '1000000', `${SECONDS}`, ...namespaces];
    t.log(`seed ${SEED}: DPCTL_ENDURANCE_SEED=${SEED} make test-endurance`);
    const child = spawnSync(
      'ip',
      ['netns', 'exec', lab.node, process.execPath, '--expose-gc', CHILD, ...words],
      {
        encoding: 'utf8',
        // clsact: a tcx link takes an RCU grace period to attach and another to detach.
        env: { ...process.env, PATH, LD_PRELOAD: FAULTS, DPCTL_TC: 'clsact' },
      },
    );
    t.is(child.status, 0, child.stderr);
    const report = JSON.parse(child.stdout.trim().split('\n').at(-1) ?? '') as Report;
    t.log(child.stdout.trim());
    t.true(report.cycles >= 100 && report.faults > 20, 'otherwise this tests nothing');
    t.deepEqual(report.after, report.before);
    t.deepEqual(
      Object.keys(report.outcomes).filter((code) => code.startsWith('not ours')),
      [],
    );
    t.true(report.grownKiB < 16_384, `${report.grownKiB} KiB`);
  } finally {
    await lab.close();
  }
});
