/** Whether a file exists: yes, no, or an error that says why this cannot be determined. */
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { exceptFor } from '../../loader/errors.js';

/**
 * Status of a path, without following a symbolic link.
 * @returns undefined if there is nothing
 * @throws Node's error (EACCES, EIO, ENOMEM ...): these do not mean that there is nothing
 */
export function statOf(path: string): BigIntStats | undefined {
  return exceptFor(
    ['ENOENT', 'ENOTDIR'],
    (): BigIntStats | undefined => lstatSync(path, { bigint: true }),
    undefined,
  );
}

/** Whether a path exists. @throws as {@link statOf} does */
export function isThere(path: string): boolean {
  return statOf(path) !== undefined;
}

/** Names in a directory; none if there is no directory. @throws as {@link statOf} does */
export function namesIn(path: string): string[] {
  return statOf(path)?.isDirectory() === true ? readdirSync(path) : [];
}

/** Type of a file, for messages; undefined for a regular one. */
export function oddKind(stat: BigIntStats): string | undefined {
  if (stat.isFile()) return undefined;
  if (stat.isDirectory()) return 'a directory';
  if (stat.isSymbolicLink()) return 'a symbolic link';
  if (stat.isFIFO()) return 'a FIFO';
  if (stat.isSocket()) return 'a socket';
  return 'a device file';
}
