/** The name by which people know the node's own namespace. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { exceptFor } from '../../../loader/errors.js';
import { hostPath } from '../../linux/mountns.js';
import { NETNS_DIR, netnsList } from '../../linux/netns.js';

/** Inode of a file, which for a namespace says which one it is; undefined: there is no such file. */
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
 * Remember by which name of `ip netns` people know the node's namespace, if they do.
 * @param netns where the node's namespace is bound
 */
export function rememberName(netns: string): void {
  const own = inodeOf(hostPath(netns));
  const name = netnsList().find((each) => named(each) === own);
  if (name !== undefined) writeFileSync(nameFile(netns), name, { mode: 0o600 });
}

/** The name that was remembered. */
export function rememberedName(netns: string): string | undefined {
  // It had no name, or an older dpctl did not write it down: then only who is in it can tell.
  return exceptFor(
    ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'],
    (): string | undefined => readFileSync(nameFile(netns), 'utf8'),
    undefined,
  );
}
