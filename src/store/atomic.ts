/** Replace files so that a reader, a crash or a power cut sees the old or the new file, never half of one. */
import { randomBytes } from 'node:crypto';
import {
  type Dirent,
  fsyncSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOfAny } from '../../loader/errors.js';
import { fsyncDir, openFd, withFd } from '../../loader/sys/files.js';
import { unavailable } from './errors.js';

/** A file and its new content. */
export interface Replacement {
  readonly path: string;
  readonly text: string;
}

/** Between two steps of {@link replaceFiles}; a test kills the process here. */
export type Checkpoint = (step: string) => void;

/**
 * Replace files one after another, in the given order. All are written and synced to disk before the first is
 * renamed, so that a full disk is detected before anything has changed.
 * @param checkpoint called before each step
 * @throws DpctlError STORE_UNAVAILABLE, exit 5
 */
export function replaceFiles(
  files: readonly Replacement[],
  checkpoint: Checkpoint = () => {},
): void {
  const written: { readonly temporary: string; readonly path: string }[] = [];
  try {
    for (const { path, text } of files) {
      checkpoint(`write ${basename(path)}`);
      const temporary = temporaryOf(path);
      written.push({ temporary, path });
      attempt(`write ${path}`, () => writeDurably(temporary, text));
    }
    for (const { temporary, path } of written) {
      checkpoint(`rename ${basename(path)}`);
      attempt(`replace ${path}`, () => renameSync(temporary, path));
      checkpoint(`sync ${basename(path)}`);
      // The rename is on disk only once the directory is (rename(2), fsync(2)).
      attempt(`write ${dirname(path)}`, () => fsyncDir(dirname(path)));
    }
  } catch (error) {
    for (const { temporary } of written) discard(temporary);
    throw error;
  }
}

/**
 * Write a copy, without syncing it to disk: it is only used in this boot. Anything else in its place is
 * removed. A copy that cannot be written is no reason to fail a change, but an old copy must not be taken for
 * the new one.
 */
export function replaceCopy({ path, text }: Replacement): void {
  const temporary = temporaryOf(path);
  try {
    makeEach(dirname(path));
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      rmSync(path, { recursive: true });
    }
    renameSync(temporary, path);
  } catch {
    // status reports the missing copy.
    for (const stale of [temporary, path]) discard(stale);
  }
}

/** Not named by process id: a later process with the same id would find what an earlier one left. */
function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
}

/** Never throws: the user must see the original error, and the next command cleans up. */
function discard(temporary: string): void {
  try {
    rmSync(temporary, { force: true });
  } catch {
    // It stays until then.
  }
}

/** Make a directory that only its owner may access, with its parents. */
export function makeDirectory(path: string): void {
  attempt(`make ${path}`, () => {
    for (let again = RACES; ; again--) {
      try {
        makeEach(path);
        return;
      } catch (error) {
        // A reset has just removed the directory above it, and has finished.
        if (again === 0 || errnoOfAny(error) !== 'ENOENT') throw error;
      }
    }
  });
}

const RACES = 8;

/** One by one: where no directory can be made (in /proc), Node's own recursion does not end. */
function makeEach(path: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) return;
  if (path !== dirname(path)) makeEach(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
  // A file is on disk only if all directories that lead to it are.
  fsyncDir(dirname(path));
}

/**
 * Remove what killed processes left of {@link replaceFiles}. Call it under the lock: a running process has
 * such files too.
 */
export function removeLeftovers(path: string): void {
  const dir = dirname(path);
  const start = `.${basename(path)}.`;
  attempt(`clean ${dir}`, () => {
    for (const entry of readEntries(dir)) {
      const { name } = entry;
      // A directory with such a name is not a leftover, and does no harm.
      if (!entry.isFile() || !name.startsWith(start) || !name.endsWith('.tmp')) continue;
      rmSync(join(dir, name), { force: true });
    }
  });
}

/** Remove a file, durably; a missing one is no error. */
export function removeFile(path: string): void {
  attempt(`remove ${path}`, () => {
    rmSync(path, { force: true });
    if (statSync(dirname(path), { throwIfNoEntry: false }) !== undefined) fsyncDir(dirname(path));
  });
}

function writeDurably(path: string, text: string): void {
  withFd(openFd(path, 'wx', 0o600), (fd) => {
    writeFileSync(fd, text);
    fsyncSync(fd);
  });
}

/** The entries of a directory; none if there is no directory. */
function readEntries(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function attempt<T>(what: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw unavailable(what, cause);
  }
}
