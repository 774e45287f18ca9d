/**
 * Files below the root, opened only if they belong to dpctl: links are not followed, no other user may have
 * written or may replace the files, and opening anything but a regular file does not block.
 */

import { constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { DpctlError, errnoOfAny } from '../../loader/errors.js';
import { advice, exec, type Hint, run } from '../../loader/hint.js';
import { closeFd } from '../../loader/sys/files.js';
import { unavailable } from './errors.js';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Write permission of the group and of all others. */
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * The text of one of dpctl's files.
 * @returns undefined if there is none
 * @throws DpctlError PATH_NOT_TRUSTED, STORE_UNAVAILABLE, exit 5
 */
export function readOwn(path: string): string | undefined {
  const found = look(path);
  if (found === undefined) return undefined;
  checkFile(path, found);
  let fd: number;
  try {
    fd = openSync(path, READ);
  } catch (cause) {
    // It has vanished since.
    if (errnoOfAny(cause) === 'ENOENT') return undefined;
    throw unavailable(`read ${path}`, cause);
  }
  try {
    checkFile(path, fstatSync(fd));
    return readFileSync(fd, 'utf8');
  } catch (cause) {
    throw cause instanceof DpctlError ? cause : unavailable(`read ${path}`, cause);
  } finally {
    closeFd(fd);
  }
}

/**
 * Status of a path, without following a link; undefined if there is nothing. @throws DpctlError
 * STORE_UNAVAILABLE
 */
export function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (cause) {
    if (errnoOfAny(cause) === 'ENOENT') return undefined;
    throw unavailable(`read ${path}`, cause);
  }
}

/** @throws DpctlError PATH_NOT_TRUSTED, or STORE_UNAVAILABLE if it is not a file */
export function checkFile(path: string, stat: Stats): void {
  if (stat.isSymbolicLink()) throw untrusted(path, stat, 'is a symbolic link', exec`rm ${path}`);
  if (!stat.isFile()) throw misplaced(path, stat);
  checkOwner(path, stat);
}

/**
 * Check each existing directory from a root down to one of dpctl's: none may be a link or belong to another
 * user. Directories of the system above dpctl's own may be links that root owns.
 * @throws DpctlError PATH_NOT_TRUSTED or STORE_UNAVAILABLE, exit 5
 */
export function checkWay(root: string, below: string): void {
  const parts = below.split(sep).filter((part) => part !== '');
  let path = root;
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    const stat = look(path);
    if (stat === undefined) return;
    const isSystems = root === '/' || root.startsWith('/proc/');
    if (stat.isSymbolicLink()) {
      if (isSystems && index < parts.length - 1 && stat.uid === 0) continue;
      throw untrusted(path, stat, 'is a symbolic link', exec`rm ${path}`);
    }
    if (!stat.isDirectory()) throw misplaced(path, stat, 'directory');
    checkOwner(path, stat);
  }
}

function checkOwner(path: string, stat: Stats): void {
  const { uid, mode } = stat;
  if (uid !== 0 && uid !== process.geteuid?.()) {
    const fix = advice`${exec`chown root: ${path}`}, if its content is right`;
    throw untrusted(path, stat, 'belongs to another user', fix);
  }
  if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) {
    throw untrusted(path, stat, 'is writable by others', exec`chmod go-w ${path}`);
  }
}

function untrusted(path: string, { uid, mode }: Stats, why: string, hint: Hint): DpctlError {
  const bits = (mode & 0o7777).toString(8).padStart(4, '0');
  return new DpctlError(
    'PATH_NOT_TRUSTED',
    `${path} (owner uid ${uid}, mode ${bits}) ${why}: dpctl does not trust it`,
    { exitCode: 5, hint, details: { path, uid, mode: bits, why } },
  );
}

/** Something else is in the place of a file or directory. */
function misplaced(path: string, stat: Stats, wanted: 'file' | 'directory' = 'file'): DpctlError {
  const found = kindOf(stat);
  const errno = stat.isDirectory() ? 'EISDIR (illegal operation on a directory)' : found;
  return new DpctlError(
    'STORE_UNAVAILABLE',
    `cannot read ${path}: ${errno === found ? `it is ${found}; dpctl needs a ${wanted} there` : errno}`,
    {
      exitCode: 5,
      hint: advice`remove that ${found.replace(/^an? /, '')} (${exec`rm -r ${path}`}), or all that dpctl has made: ${run`reset`}`,
      details: { path, found },
    },
  );
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a directory';
  if (stat.isFIFO()) return 'a FIFO';
  if (stat.isSocket()) return 'a socket';
  return stat.isFile() ? 'a file' : 'a device';
}
