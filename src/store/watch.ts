/**
 * Watch for saves: with inotify on the directories of the files, or on the nearest existing parent. Events
 * are not trusted (names are reused, directories come and go): each one only prompts a new look at the files.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { DpctlError } from '../../loader/errors.js';
import { unavailable } from './errors.js';
import type { Versioned, WatchOptions } from './store.js';

/** Milliseconds after an event in which later events count as part of it: a save replaces several files. */
const BURST = 20;
/** Milliseconds until a failed read is tried again: the end of its cause may send no event. */
const RETRY = 1000;

/** Files that are watched. */
export interface WatchedFiles {
  /** Their directories, which may be missing. */
  readonly dirs: readonly string[];
  /** Changes when a file is replaced or removed. Never throws. */
  stamp(): string;
  /** The present content of the files. */
  read(): Versioned;
}

/**
 * The successive states of the files, as {@link Store.watch} promises. libuv opens one inotify descriptor for
 * each process, at its first watch: further watches open none.
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
      // Set up first: every later change rings.
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
    // Half removed by a reset, or being edited by a user.
    return undefined;
  }
}

/** A record restored from its copy is no news; one edited by a user is. */
function isSame(last: Versioned, found: Versioned | undefined): boolean {
  if (found === undefined || found === last) return true;
  return found.revision === last.revision && isDeepStrictEqual(found.state, last.state);
}

interface Bell {
  /** Watch these directories from now on. @throws DpctlError STORE_UNAVAILABLE, exit 5 */
  arm(dirs: readonly string[]): void;
  /** Settles at the first event since {@link arm}, at the signal, or after a time. */
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
      // A directory may have come or gone while its parent got its watch.
      for (let paths: readonly string[] = []; ; ) {
        const wanted = [...new Set(dirs.map(existingParent))];
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

/** @returns undefined if the directory has just vanished */
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

/** A directory, or its nearest existing parent. */
function existingParent(path: string): string {
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
