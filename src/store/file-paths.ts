/** Where a store keeps its files, and in which boot. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint } from './atomic.js';
import { unavailable } from './errors.js';
import type { StoreFiles } from './records.js';

export interface FileStoreOptions {
  /** Until the next boot: lock, endpoints. Made on first use, as is the other. */
  readonly runDir: string;
  /** Survives a reboot: networks. */
  readonly stateDir: string;
  /** Directory below which nothing may be a link or another user's; not checked if unset. */
  readonly root?: string | undefined;
  /** Identity of the running kernel; by default the kernel's own boot_id. */
  readonly bootId?: string | undefined;
  /** Called before each step of a save: a test kills the process here. */
  readonly checkpoint?: Checkpoint | undefined;
}

/** The files of a store. */
export function storeFiles({ runDir, stateDir }: FileStoreOptions): StoreFiles {
  return {
    durable: join(stateDir, 'state.json'),
    runtime: join(runDir, 'endpoints.json'),
    lock: join(runDir, 'lock'),
    durableCopy: join(runDir, 'state.copy.json'),
    runtimeCopy: join(stateDir, 'endpoints.copy.json'),
  };
}

/**
 * All records; those without which the others would count as damaged come first. If only the last is left,
 * nothing is lost: the durable ones tell that there were endpoints.
 */
export function recordsOf({ runtimeCopy, runtime, durableCopy, durable }: StoreFiles): string[] {
  return [durableCopy, durable, runtimeCopy, runtime];
}

/** Identity of the boot that a store belongs to. @throws DpctlError STORE_UNAVAILABLE, exit 5 */
export function bootIdOf({ bootId }: FileStoreOptions): string {
  if (bootId !== undefined) return bootId;
  const path = '/proc/sys/kernel/random/boot_id';
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw unavailable(`read ${path}`, cause);
  }
}
