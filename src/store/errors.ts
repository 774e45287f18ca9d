/** Failures of the store. All are exit 5: the saved state is untouched. */

import {
  DpctlError,
  ERRNO,
  errnoName,
  errnoOf,
  errnoText,
  isShortage,
  shortageHint,
} from '../../loader/errors.js';
import { advice, type Hint, REPEAT, run } from '../../loader/hint.js';

/**
 * The kernel refused access to a file of the store.
 * @param what the failed action, with the path: `write /var/lib/dpctl/state.json`
 * @param cause an error of node:fs, or of the loader
 */
export function unavailable(what: string, cause: unknown): DpctlError {
  const errno = errnoOfNode(cause);
  const reason = errno === undefined ? String(cause) : `${errnoName(errno)} (${errnoText(errno)})`;
  return new DpctlError('STORE_UNAVAILABLE', `cannot ${what}: ${reason}`, {
    exitCode: 5,
    hint: remedy(errno === undefined ? '' : errnoName(errno)),
    details: { what, errno: errno === undefined ? null : errnoName(errno) },
    cause,
  });
}

/** The file exists but does not hold what dpctl wrote. */
export function corrupt(path: string, where: string, why: string, cause?: unknown): DpctlError {
  return new DpctlError('STORE_CORRUPT', `${path} is damaged at ${where}: ${why}`, {
    exitCode: 5,
    hint: advice`restore the file from a backup, or remove all that dpctl has made: ${run`reset`}`,
    details: { file: path, where, why },
    cause,
  });
}

/** A record is missing, and the other one needs it. */
export function lost(path: string, other: string, where: string, why: string): DpctlError {
  return new DpctlError(
    'STORE_LOST',
    `${path} is missing, and so is its copy: ${other} is intact, but has ${where}: ${why}`,
    {
      exitCode: 5,
      hint: advice`restore ${path} from a backup, or remove all that dpctl has made: ${run`reset`}`,
      details: { file: path, other, where, why },
    },
  );
}

/** The saved state is not the one that the caller has edited. */
export function conflict(loaded: number, found: number): DpctlError {
  const why =
    loaded === found ? 'it was reset' : `revision ${loaded} was loaded, ${found} is there`;
  return new DpctlError('STORE_CONFLICT', `another command has changed this node: ${why}`, {
    exitCode: 5,
    hint: REPEAT,
    details: { loaded, found },
  });
}

/** The file was written by a newer dpctl. */
export function newer(path: string, found: number, known: number): DpctlError {
  return new DpctlError(
    'STORE_NEWER',
    `${path} has version ${found} of the state, and this dpctl supports at most ${known}`,
    {
      exitCode: 5,
      hint: advice`use the newer dpctl that wrote it (${run`version`})`,
      details: { file: path, found, known },
    },
  );
}

/** The positive errno of an error of node:fs or of the loader; undefined for other values. */
function errnoOfNode(error: unknown): number | undefined {
  const name = errnoOf(error);
  if (name !== undefined) return ERRNO[name];
  if (!(error instanceof Error) || !('errno' in error)) return undefined;
  return typeof error.errno === 'number' ? Math.abs(error.errno) : undefined;
}

function remedy(errno: string): Hint {
  if (errno === 'EACCES' || errno === 'EPERM') return 'run it as root: sudo dpctl ...';
  if (errno === 'EISDIR')
    return advice`remove that directory, or all that dpctl has made: ${run`reset`}`;
  if (errno === 'EROFS') return 'choose a writable place with --root DIR';
  return shortageHint(errno) ?? advice`check that path${REPEAT}`;
}

/**
 * Rethrow an error that only says that a record cannot be read now, or may not be read: the record may be
 * intact.
 */
export function throwUnseen(error: unknown): void {
  if (isShortage(error)) throw error;
  if (error instanceof DpctlError && error.code === 'PATH_NOT_TRUSTED') throw error;
}
