/** Signals during verification: the kernel gives up, which says nothing about the program. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { loadObject, openObject } from '../../loader/object/object.js';

/** The datapath's own object: its verification takes some time. */
const OBJECT = fileURLToPath(new URL('../../bpf/endpoint.bpf.o', import.meta.url));

/** Load it. @returns how many programs it has */
function load(): number {
  const object = openObject(OBJECT);
  try {
    loadObject(object);
    return object.programs.size;
  } finally {
    object.close();
  }
}

/** Maximum duration of the signals in milliseconds: longer than any load takes. */
const SIEGE = 20_000;

/** A thread that sends signals to this process for some time when told to. */
const SENDER = `
const { workerData } = require('node:worker_threads');
const cell = new Int32Array(workerData.cell);
Atomics.store(cell, 0, 1);
Atomics.notify(cell, 0);
const end = performance.now() + workerData.milliseconds;
while (performance.now() < end && Atomics.load(cell, 1) === 0) process.kill(process.pid, 'SIGUSR2');
Atomics.store(cell, 2, 1);
Atomics.notify(cell, 2);
`;

/** Run a section while signals arrive. */
function underSignals<T>(milliseconds: number, section: () => T): T {
  const ignore = (): void => {};
  process.on('SIGUSR2', ignore);
  const cell = new Int32Array(new SharedArrayBuffer(12));
  const sender = new Worker(SENDER, {
    eval: true,
    workerData: { cell: cell.buffer, milliseconds },
  });
  try {
    Atomics.wait(cell, 0, 0, 5000);
    return section();
  } finally {
    Atomics.store(cell, 1, 1);
    Atomics.wait(cell, 2, 0, 5000);
    void sender.terminate();
    // Pending signals must find a listener.
    setTimeout(() => process.off('SIGUSR2', ignore), 100);
  }
}

test.serial('a load goes through, however many signals come', (t) => {
  for (let round = 0; round < 3; round++) {
    const programs = underSignals(SIEGE, load);
    t.true(programs > 0);
  }
});
