/** Time of attach and detach against the reference CNI bridge plugin, with and without process start. */

import { spawnSync } from 'node:child_process';
import { DpctlError } from '../../../loader/errors.js';
import type { FigureSpec } from '../../api/bench.js';
import { attach } from '../../control/endpoint/attach.js';
import { detach } from '../../control/endpoint/detach.js';
import type { Effort, Measure, Readings, Subject } from '../measure/measure.js';
import { quantile } from '../measure/method.js';
import { cniFolder, openCniBridge } from '../subjects/cni.js';
import { type BenchNode, openBenchNode, type Program } from '../subjects/node.js';
import type { Namespace, Sandbox } from '../subjects/sandbox.js';

/** Number of containers that a sample attaches, sequentially. */
const CONTAINERS = { full: 40, quick: 6 } as const;
const CNI = 'CNI bridge plugin';
const COMMAND = 'dpctl command';
/** Subject name of a process that is already running, like an agent: no process start, no JIT warm-up. */
const STAYS = 'dpctl process that stays';

const MS = { unit: 'ms', better: 'lower' } as const;
const FIGURES: readonly FigureSpec[] = [
  { id: 'attach-p50', title: 'attach, median', ...MS },
  { id: 'attach-p99', title: 'attach, 99th percentile', ...MS },
  { id: 'detach-p50', title: 'detach, median', ...MS },
  { id: 'detach-p99', title: 'detach, 99th percentile', ...MS },
  { id: 'attach-own-p50', title: 'attach without the start, median', ...MS },
  { id: 'detach-own-p50', title: 'detach without the start, median', ...MS },
];

/** Duration of a call, in milliseconds. */
interface Took {
  readonly whole: number;
  /** Without the start of the process. */
  readonly own: number;
}

/** Attach all containers, then detach all. Each call is timed separately. */
async function each(
  containers: readonly Namespace[],
  on: (container: Namespace) => Took | Promise<Took>,
  off: (container: Namespace) => Took | Promise<Took>,
): Promise<Readings> {
  const attached: Took[] = [];
  const detached: Took[] = [];
  for (const container of containers) attached.push(await on(container));
  for (const container of containers) detached.push(await off(container));
  const at = (taken: readonly Took[], part: keyof Took, share: number): number =>
    quantile(
      taken.map((took) => took[part]),
      share,
    );
  return {
    'attach-p50': at(attached, 'whole', 0.5),
    'attach-p99': at(attached, 'whole', 0.99),
    'detach-p50': at(detached, 'whole', 0.5),
    'detach-p99': at(detached, 'whole', 0.99),
    'attach-own-p50': at(attached, 'own', 0.5),
    'detach-own-p50': at(detached, 'own', 0.5),
  };
}

/** For a plugin, the process start is part of every call. */
function same(milliseconds: number): Took {
  return { whole: milliseconds, own: milliseconds };
}

async function timed(work: () => Promise<unknown>): Promise<Took> {
  const start = performance.now();
  await work();
  return { whole: performance.now() - start, own: Number.NaN };
}

/** Run a command. @returns its total time, and the time that it reports for the change */
function command(
  program: Program,
  { root }: BenchNode,
  verb: 'attach' | 'detach',
  container: Namespace,
): Took {
  const [file = '', ...args] = [...program, '--root', root, verb, container.name];
  const start = performance.now();
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  const whole = performance.now() - start;
  if (status !== 0) throw new DpctlError('BENCH_TOOL', `dpctl ${verb}: ${stderr.trim()}`);
  // `attached ns1: ... (tcx, 41 ms)`
  return { whole, own: Number(/(\d+) ms\)\s*$/m.exec(stderr)?.[1]) };
}

/** Measures of attach and detach. The plugin is a subject if it is installed. */
export async function attachMeasures(
  sandbox: Sandbox,
  effort: Effort,
  program: Program,
): Promise<{ readonly measures: Measure[]; readonly hasCni: boolean }> {
  const count = CONTAINERS[effort.quick ? 'quick' : 'full'];
  const containers = Array.from({ length: count }, (_, index) => sandbox.namespace(`-c${index}`));
  const ours = openBenchNode(sandbox, '-attach');
  const first = containers[0] as Namespace;
  // The first attach on a node loads the datapath, so do it before the measurement.
  await attach(ours.node, { ns: first.name });
  await detach(ours.node, { ns: first.name });

  const dir = cniFolder();
  const cni: Subject[] = [];
  if (dir !== undefined) {
    const bridge = openCniBridge(dir, sandbox.namespace('-cni'), sandbox.folder('-cni-data'));
    cni.push({
      name: CNI,
      sample: () =>
        each(
          containers,
          ({ name }) => same(bridge.call('ADD', name)),
          ({ name }) => same(bridge.call('DEL', name)),
        ),
    });
  }
  const subjects: Subject[] = [
    ...cni,
    {
      name: COMMAND,
      sample: () =>
        each(
          containers,
          (container) => command(program, ours, 'attach', container),
          (container) => command(program, ours, 'detach', container),
        ),
    },
    {
      name: STAYS,
      sample: () =>
        each(
          containers,
          ({ name }) => timed(() => attach(ours.node, { ns: name })),
          ({ name }) => timed(() => detach(ours.node, { ns: name })),
        ),
    },
  ];
  const measure: Measure = {
    title: 'attach and detach',
    figures: FIGURES,
    subjects,
    pairs: [
      [COMMAND, CNI],
      [STAYS, CNI],
    ],
    seconds: count * 0.15,
    rounds: effort.quick ? 3 : 7,
    warmUp: false,
  };
  return { measures: [measure], hasCni: dir !== undefined };
}
