/** Mounts of the host, as its kernel lists them (proc(5), mountinfo). */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hostRoot } from './mountns.js';

/** Absolute paths, as the host sees them, of the mounts of one type of file system. */
export function mountsOf(type: string): string[] {
  const process = hostRoot() === '' ? '/proc/self' : dirname(hostRoot());
  return mountPoints(readFileSync(`${process}/mountinfo`, 'utf8'), type);
}

/**
 * The same from the text of mountinfo. The number of fields before the dash varies; after it, it does not.
 */
function mountPoints(text: string, type: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const path = before.split(' ')[4];
    return path !== undefined && after.split(' ')[0] === type ? [plain(path)] : [];
  });
}

/** mountinfo escapes blanks and backslashes in octal. */
function plain(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
