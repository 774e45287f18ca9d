/**
 * The lock of a node: flock(2) on a file of its own, which the kernel releases when the holder ends, however
 * it ends. The file names the holder, for those who wait.
 */
import {
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DpctlError, errnoOf } from '../../loader/errors.js';
import { closeFd, flock } from '../../loader/sys/files.js';
import { makeDirectory } from './atomic.js';
import { unavailable } from './errors.js';
import { checkFile, look } from './own-file.js';

const OPEN = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/** Milliseconds for which a command waits for another one, unless DPCTL_LOCK_TIMEOUT says otherwise. */
const LOCK_TIMEOUT = 10_000;
/**
 * Suffix of the turn: a file beside the lock itself, so that a process that releases the lock cannot overtake
 * those who wait.
 */
const TURN = '.turn';
/** Milliseconds between two attempts: flock(2) can wait, but not with a time-out. */
const POLL = 20;

/**
 * Take the lock, waiting for another process for at most `timeout`. The first waiter takes a second lock, the
 * turn, and keeps it until it has the first: so a process that takes the lock again and again gets it only
 * after those that waited meanwhile.
 * @param path of the lock file; its directory is made if missing
 * @param command what the holder does
 * @param timeout ms; 0: do not wait
 * @returns a function that releases the lock
 * @throws DpctlError STORE_BUSY or STORE_UNAVAILABLE, exit 5
 */
export async function acquireLock(
  path: string,
  command: string,
  timeout: number,
): Promise<() => void> {
  const start = performance.now();
  const waiting = async (attempt: () => Release | undefined): Promise<Release> => {
    for (;;) {
      const release = attempt();
      if (release !== undefined) return release;
      const waited = performance.now() - start;
      if (waited >= timeout) throw busy(path, waited);
      await sleep(Math.min(POLL, timeout - waited));
    }
  };
  const endTurn = await waiting(() => tryFile(path + TURN));
  try {
    return await waiting(() => tryLock(path, command));
  } finally {
    endTurn();
  }
}

/** Releases a lock; calling it again does nothing. */
export type Release = () => void;

/**
 * Take the lock if it is free.
 * @returns undefined if another process holds it
 * @throws DpctlError STORE_UNAVAILABLE, exit 5
 */
export function tryLock(path: string, command: string): Release | undefined {
  return tryFile(path, JSON.stringify({ pid: process.pid, command }));
}

/** A lock that is held for long. */
export interface HeldLock {
  /** Whether the locked file is still the one at the path: a lock on another file excludes no process. */
  isStill(): boolean;
  readonly release: Release;
}

/**
 * Take the lock of a file in a directory that exists.
 * @returns `held` when another process has it; `gone` when there is no directory, or when the file has just
 *   been removed
 * @throws DpctlError STORE_UNAVAILABLE, PATH_NOT_TRUSTED, exit 5
 */
export function tryLockThere(path: string, command: string): HeldLock | 'held' | 'gone' {
  const fd = openLock(path);
  if (fd === undefined) return 'gone';
  const taken = lockOpen(fd, path, JSON.stringify({ pid: process.pid, command }));
  return typeof taken === 'string' ? taken : { isStill: () => isStill(fd, path), release: taken };
}

/** @param text written into the file for those who wait */
function tryFile(path: string, text?: string): Release | undefined {
  makeDirectory(dirname(path));
  const fd = openLock(path);
  if (fd === undefined) return undefined;
  const taken = lockOpen(fd, path, text);
  return typeof taken === 'string' ? undefined : taken;
}

/** Lock an open file, or close it. */
function lockOpen(fd: number, path: string, text?: string): Release | 'held' | 'gone' {
  try {
    const isTaken = flock(fd, 'exclusive', true);
    // A lock file that a reset has removed meanwhile no longer excludes other processes: look again.
    if (!isTaken || !isStill(fd, path)) {
      closeFd(fd);
      return isTaken ? 'gone' : 'held';
    }
  } catch (cause) {
    closeFd(fd);
    // If libc cannot be called, this is just the first call that notices.
    if (cause instanceof DpctlError && errnoOf(cause) === undefined) throw cause;
    throw unavailable(`lock ${path}`, cause);
  }
  if (text !== undefined) signHolder(fd, text);
  let held = true;
  return () => {
    if (!held) return;
    // Set this first: once closed, the descriptor's number may belong to another file.
    held = false;
    closeFd(fd);
  };
}

/** The lock holds without this text, and a full file system must not keep users from freeing space on it. */
function signHolder(fd: number, text: string): void {
  try {
    ftruncateSync(fd, 0);
    writeSync(fd, text, 0);
  } catch {
    // Those who wait are then told of `another dpctl`.
  }
}

/**
 * Remove anything in the place of the lock that is not a file: it cannot be locked, and blocks every command.
 * @throws DpctlError STORE_UNAVAILABLE, exit 5
 */
export function clearLock(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return;
  try {
    rmSync(path, { recursive: true });
  } catch (cause) {
    throw unavailable(`remove ${path}`, cause);
  }
}

/** The error of a command that finds the lock taken. */
export function busy(path: string, waited: number): DpctlError {
  const { pid, command } = readHolder(path);
  const who = pid === undefined ? 'another dpctl' : `${command} (pid ${pid})`;
  const since = waited < POLL ? '' : `; waited ${(waited / 1000).toFixed(1)} s`;
  return new DpctlError('STORE_BUSY', `${who} is changing this node${since}`, {
    exitCode: 5,
    hint: 'try again, or wait longer: DPCTL_LOCK_TIMEOUT=60000 (milliseconds)',
    details: { pid: pid ?? null, command: command ?? null, waited: Math.round(waited) },
  });
}

/**
 * How long to wait for the lock, in ms.
 * @param text of DPCTL_LOCK_TIMEOUT; undefined or empty: {@link LOCK_TIMEOUT}
 * @throws DpctlError LOCK_TIMEOUT_INVALID, exit 1
 */
export function lockTimeout(text: string | undefined): number {
  if (text === undefined || text === '') return LOCK_TIMEOUT;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new DpctlError(
    'LOCK_TIMEOUT_INVALID',
    `DPCTL_LOCK_TIMEOUT is ${JSON.stringify(text)}, not a number of milliseconds`,
    { exitCode: 1, hint: `DPCTL_LOCK_TIMEOUT=${LOCK_TIMEOUT}`, details: { value: text } },
  );
}

/** @returns undefined when there is no directory: a reset may have just removed it */
function openLock(path: string): number | undefined {
  const found = look(path);
  // Anybody could hold a link or another user's file for ever.
  if (found !== undefined && !found.isDirectory()) checkFile(path, found);
  try {
    return openSync(path, OPEN, 0o600);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw unavailable(`lock ${path}`, cause);
  }
}

function isStill(fd: number, path: string): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  const open = fstatSync(fd);
  return named !== undefined && named.ino === open.ino && named.dev === open.dev;
}

/** Who holds the lock of a file, by its own word. Empty if it has not written yet, or is gone by now. */
export function readHolder(path: string): { readonly pid?: number; readonly command?: string } {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof holder !== 'object' || holder === null) return {};
    const pid = 'pid' in holder && typeof holder.pid === 'number' ? holder.pid : undefined;
    const command = 'command' in holder ? String(holder.command) : undefined;
    return pid === undefined || command === undefined ? {} : { pid, command };
  } catch {
    return {};
  }
}
