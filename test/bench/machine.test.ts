import test from 'ava';
import {
  cpuTime,
  describeMachine,
  listen,
  mitigationsOf,
} from '../../src/bench/measure/machine.js';

test('CPU time comes from /proc/stat, in seconds, with interrupts and without waiting', (t) => {
  const stat = 'cpu  100 10 200 5000 50 3 7 40 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n';
  t.deepEqual(cpuTime(stat), { busy: 3.2, idle: 50.5, stolen: 0.4 });
});

test('work is seen as CPU time', (t) => {
  const before = cpuTime().busy;
  const end = performance.now() + 100;
  while (performance.now() < end);
  t.true(cpuTime().busy - before >= 0.05);
});

test('the machine is described by what readers compare', async (t) => {
  const machine = describeMachine();
  t.regex(machine.kernel, /^\d+\.\d+/);
  t.true(machine.cpus >= 1 && machine.memory > 100);
  t.is(mitigationsOf('quiet mitigations=off ro\n'), 'off');
  t.is(mitigationsOf('quiet\n'), 'default');
  const { busy, stolen } = await listen();
  t.true(busy >= 0 && busy <= 1 && stolen >= 0 && stolen <= 1);
});
