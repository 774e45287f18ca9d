/** The interface between control and the place that keeps desired state. */
import type { State } from '../model/state/state.js';
import type { RecordFault } from './records.js';

/** A state and the number of the save that made it. */
export interface Versioned {
  /**
   * Grows with every state that a reader may see. 0: nothing was ever saved, or an older dpctl saved it. Only
   * `discard` makes it smaller. Editing a file by hand does not change it.
   */
  readonly revision: number;
  readonly state: State;
}

/** The readable content of damaged files. */
export interface Salvaged {
  readonly state: State;
  /** Information that is lost, by the file that held it: a clause each. */
  readonly unknown: readonly string[];
}

/** Options of {@link Store.watch}. */
export interface WatchOptions {
  /** Revision that the caller has seen; if not set, the present state is delivered at once. */
  readonly from?: number;
  /** Ends the iteration, without an error. */
  readonly signal: AbortSignal;
}

/**
 * Every implementation promises:
 * - A state appears as a whole or not at all, also to readers without a lock, and each has a greater revision
 *   than the one before it. A revision survives as long as the record that holds it.
 * - `save` replaces only the revision that its caller has seen. It is durable when it returns; when it fails,
 *   the store holds the former state or one between the two, each of which is sound.
 * - `lock` excludes others until it is released or its process ends, however it ends.
 * - `watch` ends with the newest state, of any writer. It may skip earlier ones.
 * - Whatever it opens is closed again: when the promise settles, the lock is released, the watch ends.
 *
 * What only this kernel knows (`LocalState`) is useless elsewhere: it stays in files of this machine.
 */
export interface Store {
  /** Path at which the lock is taken. */
  readonly lockPath: string;
  /**
   * The desired state as last saved. Needs no lock: a state appears as a whole or not at all.
   * @throws DpctlError STORE_CORRUPT, STORE_NEWER or STORE_UNAVAILABLE, exit 5
   */
  load(): Promise<Versioned>;
  /**
   * Each state that differs from the one before it, as soon as it is saved. Saves in quick succession may be
   * delivered as one. A state that cannot be read is skipped: {@link load} gives the error.
   * @throws DpctlError STORE_UNAVAILABLE, exit 5, if the kernel does not allow the watch
   */
  watch(options: WatchOptions): AsyncIterable<Versioned>;
  /**
   * Records and copies that are missing or differ, and that {@link repair} writes again.
   * @throws as {@link load}
   */
  faults(): Promise<readonly RecordFault[]>;
  /** Write missing records and copies again. Call it under the lock. @throws as {@link load} */
  repair(): Promise<void>;
  /** What can still be read of files that {@link load} refuses: enough to remove what they name. */
  salvage(): Promise<Salvaged>;
  /**
   * Save the result of an edit, durably: once it returns, a power cut does no harm. On failure the former
   * state is still there. Call it only under the lock.
   * @param before the state that {@link load} returned under the same lock, or the last one saved. After a
   *   failed save, pass the same state as for that one: its partial result is no conflict
   * @returns the new state and its revision; the old revision if nothing differs
   * @throws DpctlError STORE_CONFLICT if something else was saved meanwhile, and nothing is written;
   *   STORE_UNAVAILABLE; exit 5
   */
  save(before: Versioned, after: State): Promise<Versioned>;
  /**
   * Keep other processes from changing this node. The kernel releases the lock when the process ends, however
   * it ends.
   * @param command what the holder does, for the message of those who wait; by default the command line
   * @returns a function that releases the lock; calling it again does nothing
   * @throws DpctlError STORE_BUSY after the time-out (DPCTL_LOCK_TIMEOUT, ms), STORE_UNAVAILABLE, exit 5
   */
  lock(command?: string): Promise<() => void>;
  /**
   * Remove anything in the place of the lock that is not a lock, so that it can be taken. Only for a reset.
   * @throws DpctlError STORE_UNAVAILABLE, exit 5
   */
  clearLock(): Promise<void>;
  /**
   * Delete all saved records, readable or not.
   * @throws DpctlError STORE_BUSY (at once) or STORE_UNAVAILABLE, exit 5
   */
  discard(): Promise<void>;
}
