/** The machine that is measured on, and how quiet it is. */

import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine, Noise } from '../../api/bench.js';
import { kernelRelease } from '../../linux/process.js';

/** CPU time since boot, in seconds over all CPUs. */
export interface CpuTime {
  readonly busy: number;
  readonly idle: number;
  readonly stolen: number;
}

/** Unit of /proc/stat (USER_HZ), which is the same on every architecture in use. */
const TICKS_PER_SECOND = 100;
/** How long is listened for noise. */
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

/** What the kernel's command line says of mitigations; `default` when nothing. */
export function mitigationsOf(commandLine: string): string {
  return /(?:^|\s)mitigations=(\S+)/.exec(commandLine)?.[1] ?? 'default';
}

/** CPU time that was used so far by everybody, interrupts included. */
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

/** Do nothing for a moment and see how busy the machine is all the same. */
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
