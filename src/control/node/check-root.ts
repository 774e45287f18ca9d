/** Paths that cannot be root directories. */
import { statSync } from 'node:fs';
import { DpctlError, errnoOfAny } from '../../../loader/errors.js';
import { hostPath } from '../../linux/mountns.js';

const CAUSES: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'a path has at most 4095 bytes, and a name in it 255',
  ENOTDIR: 'a part of it is a file, no directory',
  ELOOP: 'its symbolic links form a loop',
};

/**
 * Refuse a path that cannot be a root directory, before anything is made below it. A missing one is made when
 * it is needed.
 * @throws DpctlError ROOT_INVALID, exit 1
 */
export function checkRoot(root: string): void {
  const why = whyNot(root);
  if (why === undefined) return;
  throw new DpctlError('ROOT_INVALID', `${JSON.stringify(root)} cannot be a root: ${why}`, {
    exitCode: 1,
    hint: 'choose a directory, or a path where one can be created',
    details: { root },
  });
}

function whyNot(root: string): string | undefined {
  try {
    const stat = statSync(hostPath(root), { throwIfNoEntry: false });
    return stat === undefined || stat.isDirectory() ? undefined : 'it is a file, no directory';
  } catch (error) {
    const cause = CAUSES[errnoOfAny(error) ?? ''];
    if (cause === undefined) throw error;
    return cause;
  }
}
