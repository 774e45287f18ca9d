/** Agents of the built command line on the node of a lab. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { PATIENCE } from '../../helpers/patience.js';
import { DPCTL, type Lab } from '../../system/helpers/lab.js';
import { eventually, type Running, start } from '../../system/helpers/process.js';

/** A running agent. */
export interface Agent extends Running {
  /** Its log so far. */
  lines(): readonly LogLine[];
  /** Wait until it logs a matching text, and return the match. */
  logs(fits: (line: LogLine) => boolean, milliseconds?: number): Promise<LogLine>;
}

/** A line of its log. */
export interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly look?: string;
  readonly steps?: readonly string[];
  readonly notes?: readonly string[];
  readonly code?: string;
}

/** Start an agent and wait for its first full look. Timed full looks come once an hour. */
export async function startAgent(
  t: Pick<ExecutionContext, 'teardown'>,
  lab: Lab,
  words: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  program = DPCTL,
): Promise<Agent> {
  const argv = [process.execPath, program, '--root', lab.root, 'agent', '--interval', '1h'];
  const running = start(t, lab.node, [...argv, '--log-format', 'json', ...words], { env });
  const lines = (): LogLine[] =>
    running
      .output()
      .stderr.split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine);
  const agent: Agent = {
    ...running,
    lines,
    async logs(fits, milliseconds = 20_000) {
      let found: LogLine | undefined;
      const isThere = () => {
        found = lines().find(fits);
        return found !== undefined;
      };
      if (!(await eventually(isThere, milliseconds, 5)) || found === undefined) {
        throw new Error(`the agent did not log it:\n${running.output().stderr}`);
      }
      return found;
    },
  };
  await agent.says(/the first full look is done/, 30_000);
  return agent;
}

/** Resident memory of a process in KiB. */
export function residentKiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]);
}

/** Descriptors that a process holds open. */
export function holdings(pid: number): string[] {
  return openFiles(pid, (path) => readlinkSync(path));
}

/** Inodes of the network namespaces that a process holds open, without duplicates. */
export function heldNamespaces(pid: number): number[] {
  const { dev } = statSync('/proc/self/ns/net');
  const stats = openFiles(pid, (path) => statSync(path));
  return [...new Set(stats.filter((stat) => stat.dev === dev).map(({ ino }) => ino))];
}

function openFiles<T>(pid: number, look: (path: string) => T): T[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [look(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // It was closed in the meantime.
      return [];
    }
  });
}

/** Processor time of a process in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const TICK = 10;
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

/** The given percentile of a sorted list. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? NaN;
}

/** `p50 12 ms, p99 31 ms, most 40 ms`: a summary for the log. */
export function spread(values: readonly number[]): string {
  const ms = (percent: number) => `${percentile(values, percent).toFixed(1)} ms`;
  return `p50 ${ms(50)}, p99 ${ms(99)}, most ${ms(100)}`;
}

/** Milliseconds that no step of the agent exceeds on any test machine. */
export const LONG = 1000 * PATIENCE;
