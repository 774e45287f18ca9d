/** Runs all suites, each in a separate sandbox, and collects one document of results. */

import { DpctlError } from '../../loader/errors.js';
import {
  type BenchRequest,
  type BenchResult,
  type Failure,
  type FigureResult,
  type Setting,
  type Skipped,
  SUITES,
  type Suite,
} from '../api/bench.js';
import { FORMATS } from '../api/version.js';
import { requireRoot } from '../linux/process.js';
import { judge } from './measure/goals.js';
import { describeMachine, listen } from './measure/machine.js';
import { EFFORT } from './measure/measure.js';
import { carryOut, type Progress, sampleCount } from './measure/rounds.js';
import type { Program } from './subjects/node.js';
import { openSandbox, sweep } from './subjects/sandbox.js';
import { CONTROL } from './suites/control.js';
import { OVERLAY } from './suites/overlay.js';
import { PROGRAM } from './suites/program.js';
import { SAME_NODE } from './suites/same-node.js';
import type { OpenSuite, SuiteSpec } from './suites/suite.js';

/** A request, and facts about the running program. */
export interface BenchRun extends BenchRequest {
  /** Command that starts dpctl. */
  readonly program: Program;
  /** Version of dpctl. */
  readonly version: string;
  readonly progress: Progress;
}

const ALL: readonly SuiteSpec[] = [CONTROL, PROGRAM, SAME_NODE, OVERLAY];

/** Background CPU share above which a run prints a warning. */
const BUSY = 0.1;

/** Exit codes of signals that by default would end the process without its clean-up. */
const ENDINGS = { SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Run the benchmark. It takes minutes and keeps the CPUs busy. It removes all that it has created.
 * @throws DpctlError NOT_ROOT (exit 2), SUITE_UNKNOWN (exit 1)
 */
export async function bench(request: BenchRun): Promise<BenchResult> {
  requireRoot();
  const suites = chosen(request.only ?? []);
  const handlers = Object.entries(ENDINGS).map(([signal, code]) => {
    // Sandboxes clean up when the process exits.
    const end = () => process.exit(code);
    process.on(signal, end);
    return () => process.off(signal, end);
  });
  try {
    return await measureAll(suites, request);
  } finally {
    for (const forget of handlers) forget();
  }
}

async function measureAll(suites: readonly SuiteSpec[], request: BenchRun): Promise<BenchResult> {
  const effort = EFFORT[request.quick ? 'quick' : 'full'];
  const { progress, program, version } = request;
  const started = new Date();
  for (const thing of sweep()) progress.note(`removed what an earlier run left behind: ${thing}`);
  const before = await listen();
  if (before.busy > BUSY) {
    const share = Math.round(before.busy * 100);
    progress.note(`the machine is ${share} % busy with other work: intervals will be wide`);
  }

  const settings: Setting[] = [];
  const figures: FigureResult[] = [];
  const failures: Failure[] = [];
  const skipped: Skipped[] = [];
  for (const [index, suite] of suites.entries()) {
    const { name } = suite;
    const sandbox = openSandbox();
    const skip = (what: Omit<Skipped, 'suite'>): void => {
      skipped.push({ suite: name, ...what });
      progress.note(`left out: ${what.what}: ${what.why}`);
    };
    const later = secondsOf(suites.slice(index + 1), effort.quick);
    try {
      progress.step(`${name}: set up`, later + secondsOf([suite], effort.quick));
      const open = await suite.open({ sandbox, effort, program, skip });
      settings.push(...open.settings.map((setting) => ({ suite: name, ...setting })));
      const left = countdown(open, effort, later);
      for (const measure of open.measures) {
        const result = await carryOut(name, measure, effort, () =>
          progress.step(`${name}: ${measure.title}`, left(measure.seconds)),
        );
        figures.push(...result.figures);
        failures.push(...result.failures);
        for (const figure of result.figures) progress.figure(figure);
        for (const { subject, message } of result.failures) {
          progress.note(`failed: ${measure.title}, ${subject}: ${message}`);
        }
      }
    } finally {
      sandbox.close();
    }
  }
  return {
    format: FORMATS.bench,
    dpctl: version,
    started: started.toISOString(),
    seconds: Math.round((Date.now() - started.getTime()) / 1000),
    quick: effort.quick,
    machine: describeMachine(),
    noise: { before, after: await listen() },
    settings: [
      { suite: 'all', name: 'rounds', value: String(effort.rounds) },
      { suite: 'all', name: 'seconds of traffic a sample', value: String(effort.seconds) },
      ...settings,
    ],
    figures,
    goals: judge(
      suites.flatMap(({ goals }) => goals),
      figures,
    ),
    skipped,
    failures,
  };
}

function chosen(only: readonly string[]): SuiteSpec[] {
  const unknown = only.find((name) => !SUITES.includes(name as Suite));
  if (unknown !== undefined) {
    throw new DpctlError('SUITE_UNKNOWN', `there is no suite "${unknown}"`, {
      exitCode: 1,
      hint: `one or more of ${SUITES.join(',')}`,
    });
  }
  return ALL.filter(({ name }) => only.length === 0 || only.includes(name));
}

function secondsOf(suites: readonly SuiteSpec[], quick: boolean): number {
  return suites.reduce((sum, { seconds }) => sum + seconds[quick ? 'quick' : 'full'], 0);
}

/** Estimator of the remaining time, called before each sample and scaled by the measured sample times. */
function countdown(
  { measures }: OpenSuite,
  effort: Parameters<typeof sampleCount>[1],
  later: number,
): (seconds: number) => number {
  const start = performance.now();
  const total = measures.reduce((sum, each) => sum + sampleCount(each, effort) * each.seconds, 0);
  let begun = 0;
  return (seconds) => {
    const spent = (performance.now() - start) / 1000;
    const scale = begun > 0 ? spent / begun : 1;
    const left = (total - begun) * scale + later;
    begun += seconds;
    return Math.max(0, left);
  };
}
