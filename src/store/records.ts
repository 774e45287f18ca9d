/**
 * The two records of a node, each with a copy in the other's directory: dpctl's changes can be undone as long
 * as one of the two is intact. The copy of the runtime record survives a loss of /run, and the other way
 * round.
 */

import type * as z from 'zod/mini';
import { DpctlError, isShortage } from '../../loader/errors.js';
import { advice, exec, run } from '../../loader/hint.js';
import {
  type DurableState,
  durableSchema,
  type RuntimeState,
  runtimeSchema,
} from '../model/state/state.js';
import { replaceCopy } from './atomic.js';
import { type Document, readDocument } from './document.js';
import { look, readOwn } from './own-file.js';

/** Paths of the files of a store. */
export interface StoreFiles {
  readonly durable: string;
  readonly runtime: string;
  readonly lock: string;
  readonly durableCopy: string;
  readonly runtimeCopy: string;
}

/** A fault of a store file that blocks nothing: the next change repairs it. */
export interface RecordFault {
  readonly path: string;
  readonly why: string;
}

/** The explanation when the runtime record and its copy are both gone. */
export const BOTH_LOST =
  "and its copy are lost: the full list of dpctl's changes in this boot is unknown";

/** Both records as read. */
export interface Records {
  readonly durable: Document<DurableState> | undefined;
  /** Undefined for a record of another boot. */
  readonly runtime: Document<RuntimeState> | undefined;
  /** There was one of this boot, and both it and its copy are lost. */
  readonly runtimeLost: boolean;
  /** Revision of the later of the two records, of any boot. */
  readonly revision: number;
}

/**
 * Both records; a lost one is read from its copy.
 * @throws DpctlError STORE_CORRUPT and the like if one exists and is damaged: a user may have edited it
 */
export function readRecords(files: StoreFiles, bootId: string): Records {
  const durable =
    withCopy(files.durable, files.durableCopy, durableSchema) ??
    wholeCopy(files.durableCopy, durableSchema);
  const runtime =
    withCopy(files.runtime, files.runtimeCopy, runtimeSchema) ??
    wholeCopy(files.runtimeCopy, runtimeSchema);
  // Namespaces, interfaces and sysctls of another boot ended with its kernel.
  const isOurs = runtime?.data.bootId === bootId;
  const runtimeLost = !isOurs && durable?.data.usedIn === bootId;
  const revision = Math.max(durable?.data.revision ?? 0, runtime?.data.revision ?? 0);
  return { durable, runtime: isOurs ? runtime : undefined, runtimeLost, revision };
}

/** A record; the error for a damaged one mentions its copy, if that is intact. */
function withCopy<T extends z.ZodMiniType>(path: string, copy: string, schema: T) {
  try {
    return readDocument(path, schema);
  } catch (error) {
    const known = error instanceof DpctlError && error.code === 'STORE_CORRUPT';
    if (!known || wholeCopy(copy, schema) === undefined) throw error;
    throw new DpctlError(error.code, error.message, {
      exitCode: error.exitCode,
      hint: advice`restore the file from a backup, or take dpctl's own copy (${exec`rm ${path}`}, then ${run`reconcile`}), or remove all that dpctl has made: ${run`reset`}`,
      details: { ...error.details, copy },
      cause: error.cause,
    });
  }
}

/** A copy exactly as dpctl wrote it; undefined for anything else. */
export function wholeCopy<T extends z.ZodMiniType>(
  path: string,
  schema: T,
): Document<z.infer<T>> | undefined {
  try {
    const found = readDocument(path, schema);
    return found?.intact === true ? found : undefined;
  } catch (error) {
    if (isShortage(error)) throw error;
    return undefined;
  }
}

const isThere = (path: string): boolean => look(path) !== undefined;

/**
 * Records and copies that are missing or differ, if the node was used in this boot.
 * @throws as {@link readRecords}
 */
export function recordFaults(files: StoreFiles, bootId: string): RecordFault[] {
  const { durable, runtime, runtimeLost } = readRecords(files, bootId);
  return [
    ...(runtimeLost ? [{ path: files.runtime, why: BOTH_LOST }] : []),
    ...pairFaults(files.durable, files.durableCopy, durable, runtime !== undefined),
    ...pairFaults(files.runtime, files.runtimeCopy, runtime, runtime !== undefined),
  ];
}

function pairFaults(
  path: string,
  copy: string,
  found: unknown,
  isUsed: boolean,
): readonly RecordFault[] {
  if (found === undefined) return [];
  if (!isThere(path)) return [{ path, why: `is missing; its copy ${copy} is used` }];
  if (!isUsed) return [];
  const why = copyFault(path, copy);
  return why === undefined ? [] : [{ path: copy, why: `${why}; it is the copy of ${path}` }];
}

function copyFault(path: string, copy: string): string | undefined {
  if (!isThere(copy)) return 'is missing';
  try {
    return readOwn(copy) === readOwn(path) ? undefined : 'is damaged or old';
  } catch (error) {
    if (isShortage(error)) throw error;
    return error instanceof Error ? `cannot be used (${error.message})` : 'cannot be used';
  }
}

/**
 * Write missing records again from their copies, and the other way round. Call it under the lock.
 * @param check throws if the records do not belong together: a bad record must not replace a good copy
 */
export function repairRecords(files: StoreFiles, check: () => unknown, bootId: string): void {
  // Both are parsed only if something has to be repaired.
  if (isSame(files.durable, files.durableCopy) && isSame(files.runtime, files.runtimeCopy)) return;
  check();
  const { durable, runtime } = readRecords(files, bootId);
  mendPair(files.durable, files.durableCopy, durable);
  mendPair(files.runtime, files.runtimeCopy, runtime);
}

function isSame(path: string, copy: string): boolean {
  if (!isThere(path)) return !isThere(copy);
  return copyFault(path, copy) === undefined;
}

function mendPair(path: string, copy: string, found: unknown): void {
  if (found === undefined) return;
  if (!isThere(path)) replaceCopy({ path, text: readOwn(copy) ?? '' });
  else if (copyFault(path, copy) !== undefined) {
    replaceCopy({ path: copy, text: readOwn(path) ?? '' });
  }
}
