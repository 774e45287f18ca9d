/** Find a network namespace by its cookie alone, when the path that led to it is lost. */
import { readlinkSync } from 'node:fs';
import { exceptFor } from '../../loader/errors.js';
import { isNsfs, openFd, withFd } from '../../loader/sys/files.js';
import { netnsCookie } from '../../loader/sys/netns.js';
import { hostPath } from './mountns.js';
import { NETNS_DIR, netnsList } from './netns.js';
import { processIds } from './process.js';

/** Errors for a process that has just ended, or that may not be inspected. */
const UNSEEN = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ELOOP'] as const;

/**
 * A path, as this process sees it, that leads to a namespace: its own, a named one, or a process's.
 * @param cookie from netnsCookie
 * @returns undefined if no path leads there: then it is gone, unless a process has it open
 * @throws errors that prevent the search (EMFILE, ENOMEM)
 */
export function findNetns(cookie: string): string | undefined {
  const own = '/proc/self/ns/net';
  if (cookieAt(own) === cookie) return own;
  const names = netnsList().map((name) => `${hostPath(NETNS_DIR)}/${name}`);
  return names.find((path) => cookieAt(path) === cookie) ?? ofProcess(cookie);
}

function ofProcess(cookie: string): string | undefined {
  const seen = new Set<string>();
  for (const pid of processIds()) {
    const path = `/proc/${pid}/ns/net`;
    const id = exceptFor(UNSEEN, () => readlinkSync(path), '');
    if (id === '' || seen.has(id)) continue;
    seen.add(id);
    if (cookieAt(path) === cookie) return path;
  }
  return undefined;
}

/** Cookie of the namespace at a path; undefined if there is none. */
function cookieAt(path: string): string | undefined {
  return exceptFor(
    UNSEEN,
    (): string | undefined =>
      isNsfs(path) ? withFd(openFd(path), (fd) => String(netnsCookie(fd))) : undefined,
    undefined,
  );
}
