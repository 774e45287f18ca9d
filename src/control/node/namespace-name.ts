/** The name by which users know the node's own namespace. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { exceptFor } from '../../../loader/errors.js';
import { hostPath } from '../../linux/mountns.js';
import { NETNS_DIR, netnsList } from '../../linux/netns.js';

/** Inode of a file, which identifies a namespace; undefined if there is no such file. */
export function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

function nameFile(netns: string): string {
  return hostPath(`${netns}.name`);
}

/** Inode of the namespace that `ip netns` has under a name. */
export function named(name: string): bigint | undefined {
  return inodeOf(hostPath(`${NETNS_DIR}/${name}`));
}

/**
 * Record the name that `ip netns` has for the node's namespace, if it has one.
 * @param netns path at which the node's namespace is bound
 */
export function rememberName(netns: string): void {
  const own = inodeOf(hostPath(netns));
  const name = netnsList().find((each) => named(each) === own);
  if (name !== undefined) writeFileSync(nameFile(netns), name, { mode: 0o600 });
}

/** The recorded name. */
export function rememberedName(netns: string): string | undefined {
  // It had no name, or an older dpctl did not record it: then only the processes in it can tell.
  return exceptFor(
    ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'],
    (): string | undefined => readFileSync(nameFile(netns), 'utf8'),
    undefined,
  );
}
