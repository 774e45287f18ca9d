/** What control asks of the place where desired state is kept: a file now, etcd later. */
import type { State } from '../model/state/state.js';
import type { RecordFault } from './records.js';

/** What could be read of damaged files. */
export interface Salvaged {
  readonly state: State;
  /** What cannot be told any more, by the file that had it: a clause each. */
  readonly unknown: readonly string[];
}

export interface Store {
  /** Where the lock is taken. */
  readonly lockPath: string;
  /**
   * The desired state as last saved. Needs no lock: what is saved appears whole or not at all.
   * @throws DpctlError STORE_CORRUPT, STORE_NEWER or STORE_UNAVAILABLE, exit 5
   */
  load(): State;
  /**
   * Records and copies that are lost or differ, and that {@link mend} writes again.
   * @throws as {@link load}
   */
  faults(): readonly RecordFault[];
  /** Write lost records and copies again. Call it under the lock. @throws as {@link load} */
  mend(): void;
  /**
   * What can still be read of files that {@link load} refuses: enough to take down what they name.
   */
  salvage(): Salvaged;
  /**
   * Save what an edit changed, durably: when it returns, a power cut does no harm. On failure
   * what was saved before is still there. Call it under the lock only.
   * @param before what {@link load} gave under the same lock, or the last that was saved; where it is
   *   neither, as after a save that failed, what is there is read again
   * @throws DpctlError STORE_UNAVAILABLE, exit 5
   */
  save(before: State, after: State): void;
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
  clearLock(): void;
  /**
   * Forget all that is saved, readable or not.
   * @throws DpctlError STORE_BUSY (at once) or STORE_UNAVAILABLE, exit 5
   */
  discard(): void;
}
