/** Without tcx, no link shows where the underlay's program was attached when a command was killed. */
import test from 'ava';
import { type Lab, openLab } from '../system/helpers/lab.js';

async function makeDevice(lab: Lab, name: string, address: string): Promise<void> {
  const peer = `${name}p`;
  await lab.within(lab.node, 'ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', peer);
  for (const end of [name, peer]) await lab.within(lab.node, 'ip', 'link', 'set', end, 'up');
  await lab.within(lab.node, 'ip', 'addr', 'add', `${address}/24`, 'dev', name);
}

for (const command of [
  ['underlay', 'del'],
  ['underlay', 'set', 'u1'],
]) {
  test.serial(`${command.join(' ')} is killed: no filter stays on the device before`, async (t) => {
    t.timeout(120_000);
    const lab = await openLab({ env: { DPCTL_TC: 'clsact' } });
    const filters = () => lab.within(lab.node, 'tc', 'filter', 'show', 'dev', 'u0', 'ingress');
    try {
      await makeDevice(lab, 'u0', '192.0.2.1');
      await makeDevice(lab, 'u1', '198.51.100.1');
      for (const next of [['reconcile'], ['reset', '--yes']]) {
        await lab.must('underlay', 'set', 'u0');
        t.regex(await filters(), /pref 50000 bpf .*underlay/);
        const killed = await lab.dpctl(command, { env: { DPCTL_FAULT: 'step.0' } });
        t.is(killed.code, 255, killed.stderr);
        await lab.must(...next);
        t.is(await filters(), '', next.join(' '));
      }
    } finally {
      await lab.close();
    }
  });
}
