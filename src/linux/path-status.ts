/** Whether a file is there: yes, no, or an error that says why nobody can tell. */
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { exceptFor } from '../../loader/errors.js';

/**
 * What has this name, a link not followed.
 * @returns undefined where nothing has
 * @throws Node's error (EACCES, EIO, ENOMEM ...): that is not "nothing is there"
 */
export function statOf(path: string): BigIntStats | undefined {
  return exceptFor(
    ['ENOENT', 'ENOTDIR'],
    (): BigIntStats | undefined => lstatSync(path, { bigint: true }),
    undefined,
  );
}

/** Whether anything has this name. @throws as {@link statOf} does */
export function isThere(path: string): boolean {
  return statOf(path) !== undefined;
}

/** Names in a directory; none where there is no directory. @throws as {@link statOf} does */
export function namesIn(path: string): string[] {
  return statOf(path)?.isDirectory() === true ? readdirSync(path) : [];
}

/** What a file is, for messages; undefined for a regular one. */
export function oddKind(stat: BigIntStats): string | undefined {
  if (stat.isFile()) return undefined;
  if (stat.isDirectory()) return 'a directory';
  if (stat.isSymbolicLink()) return 'a symbolic link';
  if (stat.isFIFO()) return 'a FIFO';
  if (stat.isSocket()) return 'a socket';
  return 'a device file';
}
