/** Description of the machine, and its background load. */

import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine, Noise } from '../../api/bench.js';
import { kernelRelease } from '../../linux/process.js';

/** CPU time since boot, in seconds, summed over all CPUs. */
export interface CpuTime {
  readonly busy: number;
  readonly idle: number;
  readonly stolen: number;
}

/** Unit of /proc/stat (USER_HZ): 100 on all supported architectures. */
const TICKS_PER_SECOND = 100;
/** Milliseconds for which {@link listen} measures the background load. */
const LISTEN_MS = 500;

/** Describe this machine. */
export function describeMachine(): Machine {
  const info = readFileSync('/proc/cpuinfo', 'utf8');
  return {
    kernel: kernelRelease(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    memory: Math.round(totalmem() / 1e6),
    virtual: /^flags\s*:.*\bhypervisor\b/m.test(info),
    mitigations: mitigationsOf(readFileSync('/proc/cmdline', 'utf8')),
    node: process.version,
  };
}

/** Value of `mitigations` on the kernel command line; `default` if it is not set. */
export function mitigationsOf(commandLine: string): string {
  return /(?:^|\s)mitigations=(\S+)/.exec(commandLine)?.[1] ?? 'default';
}

/** Read the CPU time of all processes and interrupts. */
export function cpuTime(stat = readFileSync('/proc/stat', 'utf8')): CpuTime {
  const fields = /^cpu\s+(.*)$/m.exec(stat)?.[1]?.split(/\s+/).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] =
    fields;
  return {
    busy: (user + nice + system + irq + softirq) / TICKS_PER_SECOND,
    idle: (idle + wait) / TICKS_PER_SECOND,
    stolen: steal / TICKS_PER_SECOND,
  };
}

/** Measure the background load while this process is idle. */
export async function listen(): Promise<Noise> {
  const before = cpuTime();
  await sleep(LISTEN_MS);
  const after = cpuTime();
  const [busy, idle, stolen] = (['busy', 'idle', 'stolen'] as const).map(
    (key) => after[key] - before[key],
  ) as [number, number, number];
  const total = busy + idle + stolen || 1;
  return { load: loadavg()[0] ?? 0, busy: busy / total, stolen: stolen / total };
}
