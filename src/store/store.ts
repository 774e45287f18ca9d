/** What control asks of the place where desired state is kept: a file now, etcd later. */
import type { State } from '../model/state/state.js';
import type { RecordFault } from './records.js';

/** A state and the number of the save that made it. */
export interface Versioned {
  /**
   * Grows with every state that a reader may see. 0: nothing was ever saved, or an older dpctl saved it.
   * Only `discard` makes it smaller. A person who edits a file by hand does not change it.
   */
  readonly revision: number;
  readonly state: State;
}

/** What could be read of damaged files. */
export interface Salvaged {
  readonly state: State;
  /** What cannot be told any more, by the file that had it: a clause each. */
  readonly unknown: readonly string[];
}

/** What {@link Store.watch} is asked. */
export interface WatchOptions {
  /** Revision that the caller has seen; without it, the present state is given at once. */
  readonly from?: number;
  /** Ends it: the iteration is done then, without an error. */
  readonly signal: AbortSignal;
}

/**
 * Every implementation promises:
 * - A state appears whole or not at all, to readers without a lock, too, and each has a greater revision
 *   than the one before it. A revision survives as long as the record that has it.
 * - `save` writes only over the revision that its caller has seen. It is durable when it returns; when it
 *   fails, what was saved before is there, or a state between the two, each of which is sound.
 * - `lock` keeps others out until it is given back or its process ends, however it ends.
 * - `watch` ends with the newest state, of any writer. It may pass over those before it.
 * - What it opens is closed: by the promise that settles, the lock that is given back, the watch that ends.
 *
 * What only this kernel knows (`LocalState`) is useless elsewhere: it stays in files of this machine.
 */
export interface Store {
  /** Where the lock is taken. */
  readonly lockPath: string;
  /**
   * The desired state as last saved. Needs no lock: what is saved appears whole or not at all.
   * @throws DpctlError STORE_CORRUPT, STORE_NEWER or STORE_UNAVAILABLE, exit 5
   */
  load(): Promise<Versioned>;
  /**
   * Each state that differs from the one before it, as soon as it is saved. Saves that follow each other
   * closely may give one. A state that cannot be read is passed over: {@link load} says why.
   * @throws DpctlError STORE_UNAVAILABLE, exit 5, where the kernel does not let us watch
   */
  watch(options: WatchOptions): AsyncIterable<Versioned>;
  /**
   * Records and copies that are lost or differ, and that {@link mend} writes again.
   * @throws as {@link load}
   */
  faults(): Promise<readonly RecordFault[]>;
  /** Write lost records and copies again. Call it under the lock. @throws as {@link load} */
  mend(): Promise<void>;
  /**
   * What can still be read of files that {@link load} refuses: enough to take down what they name.
   */
  salvage(): Promise<Salvaged>;
  /**
   * Save what an edit changed, durably: when it returns, a power cut does no harm. On failure
   * what was saved before is still there. Call it under the lock only.
   * @param before what {@link load} gave under the same lock, or the last that was saved. After a save
   *   that failed it is the same as for that one: what that one left half done is no conflict
   * @returns the new state and its revision; the old revision where nothing differs
   * @throws DpctlError STORE_CONFLICT where something else was saved meanwhile, and nothing is written;
   *   STORE_UNAVAILABLE; exit 5
   */
  save(before: Versioned, after: State): Promise<Versioned>;
  /**
   * Keep other processes from changing this node. The lock goes with the process, however it
   * ends.
   * @param command what the holder does, for the message of those who wait; by default the
   *   command line
   * @returns a function that gives the lock back; calling it again does nothing
   * @throws DpctlError STORE_BUSY after the time-out (DPCTL_LOCK_TIMEOUT, ms), STORE_UNAVAILABLE,
   *   exit 5
   */
  lock(command?: string): Promise<() => void>;
  /**
   * Remove what is in the place of the lock and is none, so that it can be taken. For who removes
   * everything.
   * @throws DpctlError STORE_UNAVAILABLE, exit 5
   */
  clearLock(): Promise<void>;
  /**
   * Forget all that is saved, readable or not.
   * @throws DpctlError STORE_BUSY (at once) or STORE_UNAVAILABLE, exit 5
   */
  discard(): Promise<void>;
}
