/**
 * A process that attaches and detaches for a long time while its system calls fail at random, and reports
 * at the end what is left. Run with the faults preloaded. Its arguments: the path of the faults, a root, a
 * seed, the maximum of cycles, the maximum of seconds, and the namespaces to attach.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ffi } from '../../../loader/ffi/seam.js';
import { BUG } from '../../../src/api/failure.js';
import { reportOf } from '../../../src/cli/error-report.js';
import { attach } from '../../../src/control/endpoint/attach.js';
import { detach } from '../../../src/control/endpoint/detach.js';
import { endpointList } from '../../../src/control/endpoint/list.js';
import { openNode } from '../../../src/control/node/node.js';
import { reconcile } from '../../../src/control/node/reconcile.js';
import { hostPath } from '../../../src/linux/mountns.js';
import { status } from '../../../src/observe/status/status.js';

const [library = '', root = '', seed = '1', most = '0', seconds = '60', ...namespaces] =
  process.argv.slice(2);

const bind = ffi().open(library);
const setSeed = bind('faults_seed', ['void', ['uint']]);
const setRate = bind('faults_rate', ['void', ['uint']]);
const faults = bind('faults_count', ['uint', []]);

/** One call in some 500 fails, which affects about every fourth command. */
const RATE = 2_000;
/** Cycles between two checks, during which nothing fails. */
const ROUND = 100;

const node = openNode({ root });
const outcomes = new Map<string, number>();

/** Run a command while calls fail; it may only throw errors that users can understand. */
async function troubled(command: () => Promise<unknown>): Promise<void> {
  let outcome = 'done';
  setRate(RATE);
  try {
    await command();
  } catch (error) {
    const report = reportOf(error, true);
    outcome = report.exitCode === BUG ? `not ours: ${report.msg}` : report.code;
    if (report.exitCode === BUG) console.error(error);
  } finally {
    setRate(0);
  }
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

/** What the process and its root hold, by kind. */
function holdings(): Record<string, number> {
  const found: Record<string, number> = { mappings: 0, pins: 0, leftovers: 0 };
  const add = (kind: string): void => {
    found[kind] = (found[kind] ?? 0) + 1;
  };
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      add(`descriptors ${target.replace(/\[?\d+\]?$/, '')}`);
    } catch {
      // The directory's own descriptor.
    }
  }
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    if (/bpf|socket/.test(line)) add('mappings');
  }
  for (const name of readdirSync(hostPath(join(root, 'run/dpctl')), { recursive: true })) {
    add(String(name).includes('.tmp') ? 'leftovers' : 'pins');
  }
  return found;
}

/** Repair everything without faults, and compare the result. */
async function settle(attached: readonly string[]): Promise<void> {
  await reconcile(node);
  for (const ns of namespaces) {
    if (attached.includes(ns)) await attach(node, { ns });
    else await detach(node, { ns });
  }
  const there = (await endpointList(node)).map(({ ns }) => ns);
  const report = await status(node);
  const wrong = JSON.stringify(there.sort()) !== JSON.stringify([...attached].sort());
  if (wrong || !report.healthy) {
    throw new Error(`wanted ${attached}, there are ${there}: ${JSON.stringify(report.problems)}`);
  }
}

async function round(cycles: number): Promise<void> {
  for (let i = 0; i < cycles; i++) {
    const ns = namespaces[i % namespaces.length] ?? '';
    await troubled(() => attach(node, { ns }));
    await troubled(() => detach(node, { ns }));
  }
}

setSeed(Number(seed));
await settle(namespaces);
await settle([]);
// Everything that is loaded and compiled once is there before the first count.
await round(ROUND);
await settle(namespaces);
await settle([]);
const before = holdings();
const begin = performance.now();
let cycles = ROUND;
let resident: number | undefined;
while (cycles < Number(most) && performance.now() - begin < Number(seconds) * 1000) {
  await round(ROUND);
  cycles += ROUND;
  await settle([]);
  // The heap reaches its size in the first quarter.
  const late = cycles > Number(most) / 4 || performance.now() - begin > Number(seconds) * 250;
  if (late) resident ??= measure();
}
await settle([]);
const after = holdings();
const grown = measure() - (resident ?? measure());
await settle(namespaces);
const release = await node.store.lock('last');
release();
await settle([]);
console.log(
  JSON.stringify({
    seed: Number(seed),
    cycles,
    seconds: Math.round((performance.now() - begin) / 1000),
    faults: faults(),
    outcomes: Object.fromEntries(outcomes),
    before,
    after,
    grownKiB: Math.round(grown / 1024),
  }),
);
node.close();

function measure(): number {
  global.gc?.();
  return process.memoryUsage.rss();
}
