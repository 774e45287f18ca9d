/** Where a store keeps what, and in which boot. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint } from './atomic.js';
import { unavailable } from './errors.js';
import type { StoreFiles } from './records.js';

export interface FileStoreOptions {
  /** Ends with the boot: lock, endpoints. Made when first needed, as is the other. */
  readonly runDir: string;
  /** Outlives a boot: networks. */
  readonly stateDir: string;
  /** Directory from which down nothing may be a link or another user's; without it, nobody looks. */
  readonly root?: string | undefined;
  /** Identity of the running kernel; by default what it says itself. */
  readonly bootId?: string | undefined;
  /** Told before each step of a save: where a test kills the process. */
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
 * All records, those first without which the others would be taken for damage. If only the last of them
 * is found, nothing is lost: the lasting ones tell that there were endpoints.
 */
export function recordsOf({ runtimeCopy, runtime, durableCopy, durable }: StoreFiles): string[] {
  return [durableCopy, durable, runtimeCopy, runtime];
}

/** Identity of the boot that a store lives in. @throws DpctlError STORE_UNAVAILABLE, exit 5 */
export function bootIdOf({ bootId }: FileStoreOptions): string {
  if (bootId !== undefined) return bootId;
  const path = '/proc/sys/kernel/random/boot_id';
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw unavailable(`read ${path}`, cause);
  }
}
