/** The holder of a lock of flock(2). */
import { fstatSync, readFileSync } from 'node:fs';
import { exceptFor } from '../../loader/errors.js';

/**
 * The process that holds an exclusive lock on an open file.
 * @returns undefined if there is none, or if it cannot be seen from here
 */
export function flockHolder(fd: number): number | undefined {
  const { ino } = fstatSync(fd, { bigint: true });
  const text = exceptFor(['ENOENT', 'EACCES'], () => readFileSync('/proc/locks', 'utf8'), '');
  return holderIn(text, ino);
}

/**
 * The holder from the text of /proc/locks. Devices are not compared: for overlayfs and btrfs they differ from
 * those of stat(2).
 */
export function holderIn(text: string, inode: bigint): number | undefined {
  for (const line of text.split('\n')) {
    const found = /^\d+: FLOCK +\S+ +WRITE +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
    if (found !== null && found[2] === String(inode) && found[1] !== '0') return Number(found[1]);
  }
  return undefined;
}
