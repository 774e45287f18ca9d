/** Namespaces that are made first and named later, and what an interrupt leaves of them. */
import { statSync } from 'node:fs';
import { DpctlError } from '../../loader/errors.js';
import { closeFd, isNsfs } from '../../loader/sys/files.js';
import { netnsCookie, newNetns } from '../../loader/sys/netns.js';
import { hostPath, runOnHost } from './mountns.js';
import { assertName, deleteNetns, isName, NETNS_DIR, withNetnsPath } from './netns.js';

/**
 * Make a namespace without a name that vanishes with its descriptor: its cookie can be recorded before
 * other processes see it. The holder closes the descriptor. Throws NETNS_CREATE (exit 2).
 */
export function makeNetns(): { readonly fd: number; readonly cookie: bigint } {
  let fd: number;
  try {
    fd = newNetns();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DpctlError('NETNS_CREATE', `cannot create a network namespace: ${why}`, {
      cause: error,
    });
  }
  try {
    return { fd, cookie: netnsCookie(fd) };
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/**
 * Give a namespace a name in the host's /run/netns, as `ip netns add` would; a leftover empty file is
 * replaced. The program that does this runs in the namespace and keeps it alive: if this process is killed
 * meanwhile, the name is still set. Throws NETNS_CREATE (exit 2).
 */
export async function nameNetns(name: string, fd: number): Promise<void> {
  assertName(name);
  if (netnsPlace(name) === 'leftover') await deleteNetns(name);
  const attach = ['sh', '-c', 'exec ip netns attach "$0" $$', name];
  await withNetnsPath(fd, (path) =>
    runOnHost(['nsenter', `--net=${path}`, '--', ...attach], 'NETNS_CREATE'),
  );
}

/**
 * What a name in /run/netns holds: nothing, an empty file (its namespace was never bound, or is gone), or
 * something else.
 */
export function netnsPlace(name: string): 'free' | 'leftover' | 'taken' {
  const path = `${hostPath(NETNS_DIR)}/${name}`;
  const file = isName(name) ? statSync(path, { throwIfNoEntry: false }) : undefined;
  if (file === undefined) return 'free';
  return !isNsfs(path) && file.isFile() && file.size === 0 ? 'leftover' : 'taken';
}
