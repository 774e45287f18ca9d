/** After a killed reset, the next command makes the node intact, and another reset empties it. */
import { existsSync } from 'node:fs';
import test from 'ava';
import { differences, takeSnapshot } from '../helpers/snapshot.js';
import { openLab } from '../system/helpers/lab.js';

test.serial('any next command undoes a killed reset', async (t) => {
  t.timeout(300_000);
  const lab = await openLab();
  try {
    const [ns, other] = [await lab.container('a'), await lab.container('b')];
    for (const line of ['add u0 type veth peer u1', 'set u0 up', 'set u1 up']) {
      await lab.within(lab.node, 'ip', 'link', ...line.split(' '));
    }
    await lab.within(lab.node, 'ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'u0');
    const look = () => takeSnapshot(lab, [ns, other]);
    const clean = await look();
    await lab.must('underlay', 'set', 'u0');
    await lab.must('attach', ns);
    for (const [step, next] of [
      [1, ['reconcile']],
      [3, ['attach', other]],
      [5, ['network', 'add', 'lan']],
    ] as const) {
      const env = { DPCTL_FAULT: `reset.${step}` };
      const killed = await lab.dpctl(['reset', '--yes'], { env });
      t.is(killed.code, 255, `step ${step}: ${killed.stderr}`);
      await lab.must(...next);
      const status = await lab.dpctl(['status']);
      t.is(status.code, 0, `killed at step ${step}, then ${next.join(' ')}: ${status.stdout}`);
      await lab.within(ns, 'ip', 'link', 'show', 'eth0');
    }
    await lab.must('reset', '--yes');
    t.deepEqual(differences(clean, await look()), []);
    t.false(existsSync(`${lab.root}/run`));
  } finally {
    await lab.close();
  }
});
