/** `dpctl dump` of a million MACs and of a small node, timed from process start to exit. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { MAPS } from '../../contract/generated.js';
import { attach } from '../../control/endpoint/attach.js';
import { hostPins, prepareNode } from '../../control/node/node.js';
import { installDatapath } from '../../datapath/install.js';
import { searchPath } from '../../linux/command.js';
import type { Effort, Measure, Readings } from '../measure/measure.js';
import { type BenchNode, openBenchNode, type Program } from '../subjects/node.js';
import type { Sandbox } from '../subjects/sandbox.js';
import { fillFdb, LARGE_TABLE, MILLION } from './control-fill.js';

/** Interval of reading the peak memory of a process, in milliseconds. */
const LOOK_MS = 10;
/** Number of process starts per sample. */
const STARTS = 5;

/** A node with one endpoint and a million MACs behind it. */
async function openLargeNode(sandbox: Sandbox): Promise<BenchNode> {
  const large = openBenchNode(sandbox, '-large');
  await prepareNode(large.node);
  installDatapath(hostPins(large.node), { [MAPS.fdb.name]: LARGE_TABLE });
  const inside = sandbox.namespace('-large-a');
  const { endpoints } = await attach(large.node, { ns: inside.name });
  const [endpoint] = endpoints;
  if (endpoint === undefined) throw new TypeError('attach gave no endpoint');
  const { vni, ifindex, id } = endpoint;
  fillFdb(large.node.tables().map('fdb'), MILLION, { vni, ifindex, endpoint: id });
  return large;
}

/** Run a large dump and measure its time and memory. */
async function dumpLarge(program: Program, { root }: BenchNode): Promise<Readings> {
  const [file = '', ...args] = [...program, '--root', root, 'dump', 'fdb', '-j'];
  const start = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let peak = 0;
  let rows = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    // One row per line.
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) rows++;
  });
  const looking = setInterval(() => {
    peak = Math.max(peak, peakMemory(child.pid ?? 0));
  }, LOOK_MS);
  try {
    await new Promise((resolve) => child.once('close', resolve));
  } finally {
    clearInterval(looking);
  }
  const seconds = (performance.now() - start) / 1000;
  if (rows < MILLION) throw new DpctlError('BENCH_WRONG', `dump fdb printed ${rows} rows`);
  return { 'fdb-dump-time': seconds, 'fdb-dump-memory': peak };
}

/** Peak memory of a process, in MB; 0 if it has exited. */
function peakMemory(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return (Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}

/** Time from the start of a program to its exit, in milliseconds. */
function timeOf([file = '', ...args]: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: searchPath() },
  });
  const time = performance.now() - start;
  if (status === 0) return time;
  throw new DpctlError('BENCH_TOOL', `${[file, ...args].join(' ')}: ${String(stderr).trim()}`);
}

/** Fastest of a few starts: disturbances can only make a start slower. */
function startOf(argv: readonly string[]): number {
  return Math.min(...Array.from({ length: STARTS }, () => timeOf(argv)));
}

/** Measures of dump, and of the start of Node.js alone. */
export async function dumpMeasures(
  sandbox: Sandbox,
  effort: Effort,
  program: Program,
): Promise<Measure[]> {
  const large = await openLargeNode(sandbox);
  const small = openBenchNode(sandbox, '-small');
  for (const label of ['-small-a', '-small-b']) {
    await attach(small.node, { ns: sandbox.namespace(label).name });
  }
  const empty = join(sandbox.folder('-empty'), 'empty.cjs');
  writeFileSync(empty, '');
  return [
    {
      title: 'dump 1,000,000 FDB entries as JSON',
      figures: [
        { id: 'fdb-dump-time', title: 'dump 1,000,000 FDB entries', unit: 's', better: 'lower' },
        {
          id: 'fdb-dump-memory',
          title: 'maximum memory of that dump',
          unit: 'MB',
          better: 'lower',
        },
      ],
      subjects: [{ name: 'dpctl', sample: () => dumpLarge(program, large) }],
      pairs: [],
      seconds: 2.2,
      rounds: effort.quick ? 2 : 5,
    },
    {
      title: 'start `dpctl dump`',
      figures: [
        { id: 'dump-start', title: 'from start to last byte', unit: 'ms', better: 'lower' },
      ],
      subjects: [
        {
          name: 'empty program',
          sample: async () => ({ 'dump-start': startOf([process.execPath, empty]) }),
        },
        {
          name: 'dpctl dump',
          sample: async () => ({
            'dump-start': startOf([...program, '--root', small.root, 'dump']),
          }),
        },
      ],
      pairs: [['dpctl dump', 'empty program']],
      seconds: 0.4,
    },
  ];
}
