/**
 * Seeing what is saved: by inotify on the directories of the files, or on the nearest one above that is
 * there. What is told of events is not trusted (names are reused, directories go and come): each one is
 * the occasion to look at the files again.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { DpctlError } from '../../loader/errors.js';
import { unavailable } from './errors.js';
import type { Versioned, WatchOptions } from './store.js';

/** Milliseconds after an event in which what follows it belongs to it: a save replaces several files. */
const BURST = 20;
/** Milliseconds until what could not be read is tried again: what was in the way may leave no event. */
const RETRY = 1000;

/** Files that are watched. */
export interface WatchedFiles {
  /** Where they are; a directory need not be there. */
  readonly dirs: readonly string[];
  /** Differs where a file was replaced or removed. Never throws. */
  stamp(): string;
  /** What the files say now. */
  read(): Versioned;
}

/**
 * The states that files have one after the other, as {@link Store.watch} promises.
 * libuv keeps one inotify descriptor a process, once there was a watch: no watch leaves one of its own.
 */
export async function* watchFiles(
  files: WatchedFiles,
  { from, signal }: WatchOptions,
): AsyncGenerator<Versioned> {
  const bell = newBell(signal);
  let last: Versioned | undefined;
  let seen: string | undefined;
  try {
    while (!signal.aborted) {
      // First of all: what changes after it rings.
      bell.arm(files.dirs);
      const stamp = files.stamp();
      const found = stamp === seen ? last : tryRead(files);
      if (found !== undefined) seen = stamp;
      const isNews = last === undefined ? found?.revision !== from : !isSame(last, found);
      if (found !== undefined) last = found;
      if (found !== undefined && isNews) yield found;
      await bell.rung(found === undefined ? RETRY : undefined);
      await sleep(BURST, undefined, { signal }).catch(() => {});
    }
  } finally {
    bell.close();
  }
}

function tryRead(files: WatchedFiles): Versioned | undefined {
  try {
    return files.read();
  } catch {
    // Half removed by a reset, or being edited by a person.
    return undefined;
  }
}

/** A record that was written again from its copy is no news; what a person has edited is. */
function isSame(last: Versioned, found: Versioned | undefined): boolean {
  if (found === undefined || found === last) return true;
  return found.revision === last.revision && isDeepStrictEqual(found.state, last.state);
}

interface Bell {
  /** Listen at these directories anew. @throws DpctlError STORE_UNAVAILABLE, exit 5 */
  arm(dirs: readonly string[]): void;
  /** Settles with the first event since {@link arm}, with the signal, or after a time. */
  rung(timeout?: number): Promise<void>;
  close(): void;
}

function newBell(signal: AbortSignal): Bell {
  let watchers: FSWatcher[] = [];
  let isRung = false;
  let failure: DpctlError | undefined;
  let wake = (): void => {};
  const ring = (): void => {
    isRung = true;
    wake();
  };
  const silence = (): void => {
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };
  signal.addEventListener('abort', ring);
  return {
    arm(dirs) {
      isRung = false;
      // A directory may have come or gone while the one above it got its watch.
      for (let paths: readonly string[] = []; ; ) {
        const wanted = [...new Set(dirs.map(nearest))];
        if (wanted.join('\0') === paths.join('\0') && watchers.length === wanted.length) return;
        silence();
        paths = wanted;
        for (const path of paths) {
          const watcher = listen(path, ring, (error) => {
            failure = error;
          });
          if (watcher !== undefined) watchers.push(watcher);
        }
      }
    },
    async rung(timeout) {
      if (!isRung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = timeout === undefined ? undefined : setTimeout(resolve, timeout);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = () => {};
      }
      if (failure !== undefined) throw failure;
    },
    close() {
      signal.removeEventListener('abort', ring);
      silence();
    },
  };
}

/** @returns undefined where the directory has just gone */
function listen(
  path: string,
  ring: () => void,
  fail: (error: DpctlError) => void,
): FSWatcher | undefined {
  let watcher: FSWatcher;
  try {
    watcher = watch(path, ring);
  } catch (cause) {
    if (!isDirectory(path)) return undefined;
    throw unavailable(`watch ${path}`, cause);
  }
  watcher.on('error', (cause) => {
    fail(unavailable(`watch ${path}`, cause));
    ring();
  });
  return watcher;
}

/** A directory, or the first above it that is there. */
function nearest(path: string): string {
  let found = path;
  while (!isDirectory(found) && found !== dirname(found)) found = dirname(found);
  return found;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
