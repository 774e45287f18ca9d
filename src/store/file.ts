/**
 * Desired state in two files: networks, which survive a reboot, and endpoints and everything else, which end
 * with the kernel they describe.
 */
import { statSync } from 'node:fs';
import { relative } from 'node:path';
import { errnoOfAny } from '../../loader/errors.js';
import { invariants } from '../model/state/invariants.js';
import { EMPTY_STATE, type State } from '../model/state/state.js';
import { removeFile, removeLeftovers } from './atomic.js';
import { conflict, corrupt, lost } from './errors.js';
import { bootIdOf, type FileStoreOptions, recordsOf, storeFiles } from './file-paths.js';
import { acquireLock, busy, clearLock, lockTimeout, type Release, tryLock } from './lock.js';
import { checkWay } from './own-file.js';
import { readRecords, recordFaults, repairRecords, type StoreFiles } from './records.js';
import { salvageFiles } from './salvage.js';
import { saveFiles } from './save.js';
import type { Store, Versioned } from './store.js';
import { watchFiles } from './watch.js';

/** A store in files. Reads and makes nothing before it is used. */
export function openFileStore(options: FileStoreOptions): Store {
  const files = storeFiles(options);
  const bootId = (): string => bootIdOf(options);
  let holder: Release | undefined;
  let known: Known | undefined;
  let failed: FailedSave | undefined;
  const { root } = options;
  const trust = (): void => {
    if (root === undefined) return;
    for (const dir of [options.runDir, options.stateDir]) checkWay(root, relative(root, dir));
  };
  const read = (): Known => {
    trust();
    const isSame = known !== undefined && isWhole(known.stamp) && known.stamp === stamp(files);
    if (!isSame || known === undefined) known = load(files, bootId());
    return known;
  };
  return {
    lockPath: files.lock,
    load: async () => {
      const found = read();
      failed = undefined;
      return versioned(found);
    },
    watch: (asked) =>
      watchFiles(
        { dirs: [options.runDir, options.stateDir], stamp: () => stamp(files), read },
        asked,
      ),
    faults: async () => recordFaults(files, bootId()),
    repair: async () => repairRecords(files, () => load(files, bootId()), bootId()),
    salvage: async () => salvageFiles(files, bootId()),
    save: async (before, after) => {
      const believed = known?.state === before.state && known.stamp === stamp(files);
      const there = believed && known !== undefined ? known : load(files, bootId());
      if (!believed && !isOver(there, before, failed)) {
        throw conflict(before.revision, there.revision);
      }
      // Until it is done, it is unknown how much of it was written.
      known = undefined;
      const revision = saveFiles(files, bootId(), there, after, {
        checkpoint: options.checkpoint,
        begin: (most) => {
          failed = { over: before.revision, most };
        },
      });
      failed = undefined;
      known = { state: after, revision, stamp: stamp(files) };
      return versioned(known);
    },
    lock: async (command = commandLine()) => {
      trust();
      const timeout = lockTimeout(process.env.DPCTL_LOCK_TIMEOUT);
      const release = await acquireLock(files.lock, command, timeout);
      try {
        for (const record of recordsOf(files)) removeLeftovers(record);
      } catch (error) {
        release();
        throw error;
      }
      holder = release;
      failed = undefined;
      return () => {
        // A second call must not clear the holder of a later lock.
        if (holder === release) holder = undefined;
        release();
      };
    },
    clearLock: async () => clearLock(files.lock),
    discard: async () => {
      known = undefined;
      failed = undefined;
      const release = holder === undefined ? tryLock(files.lock, commandLine()) : () => {};
      if (release === undefined) throw busy(files.lock, 0);
      try {
        for (const path of recordsOf(files)) removeFile(path);
      } finally {
        release();
      }
    },
  };
}

/** A state that was read or written, with the files as they were then. */
interface Known extends Versioned {
  readonly stamp: string;
}

const versioned = ({ revision, state }: Known): Versioned => ({ revision, state });

/** A failed save, of which it is unknown how much was written. */
interface FailedSave {
  /** Revision that it was meant to replace. */
  readonly over: number;
  /** Revision of the last file that it may have written. */
  readonly most: number;
}

/**
 * Whether the present state is the one that a caller has seen, or part of the caller's own save that failed
 * since.
 */
function isOver(there: Versioned, seen: Versioned, failed: FailedSave | undefined): boolean {
  if (failed?.over === seen.revision) return there.revision <= failed.most;
  // After a reset revisions begin again, but another root has another id.
  return there.revision === seen.revision && there.state.rootId === seen.state.rootId;
}

/** How often to read both files again if a save came between. */
const READ_ATTEMPTS = 20;

/** Both files as of one moment: each is replaced as a whole, but not both at once. */
function load(files: StoreFiles, bootId: string): Known {
  for (let attempt = 1; ; attempt++) {
    const before = stamp(files);
    const isTorn = (): boolean => attempt < READ_ATTEMPTS && stamp(files) !== before;
    try {
      const found = read(files, bootId);
      if (!isTorn()) return { ...found, stamp: before };
    } catch (error) {
      if (!isTorn()) throw error;
    }
  }
}

/**
 * Changes with each save, as every save makes a new file. For a file that cannot be inspected it holds the
 * cause: such a file is not taken for a missing one. Reading the file gives the error.
 */
function stamp({ durable, runtime }: StoreFiles): string {
  return [durable, runtime].map(stampOf).join();
}

/** Whether a stamp is that of two files: for a missing one its copy is read, which has no stamp. */
function isWhole(both: string): boolean {
  return /^[\d ]+,[\d ]+$/.test(both);
}

function stampOf(path: string): string {
  try {
    const { dev, ino, size, ctimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${ctimeNs}`;
  } catch (error) {
    return errnoOfAny(error) ?? String(error);
  }
}

function read(files: StoreFiles, bootId: string): Versioned {
  const { durable, runtime: alive, runtimeLost, revision } = readRecords(files, bootId);
  if (durable === undefined && alive === undefined) return { revision, state: EMPTY_STATE };
  const { networks, underlay, nodes = [], remoteFdb = [] } = durable?.data ?? EMPTY_STATE;
  const { endpoints, staticFdb, sysctls, netns, unfinished, untold } = alive?.data ?? EMPTY_STATE;
  const resolvedUnderlay = alive?.data.uplink;
  const rootId = alive?.data.rootId ?? durable?.data.rootId;
  const state: State = {
    ...(rootId !== undefined && { rootId }),
    networks,
    endpoints,
    staticFdb,
    sysctls,
    ...(underlay !== undefined && { underlay }),
    ...(resolvedUnderlay !== undefined && { resolvedUnderlay }),
    ...(netns !== undefined && { netns }),
    nodes,
    remoteFdb,
    ...((unfinished === true || runtimeLost) && { unfinished: true }),
    ...((untold === true || runtimeLost) && { untold: true }),
  };
  const intact = (durable?.intact ?? true) && (alive?.intact ?? true);
  // Intact files may not belong together, if one was removed.
  const names = new Set(networks.map((network) => network.name));
  if (intact && endpoints.every((endpoint) => names.has(endpoint.network))) {
    return { revision, state };
  }
  const fault = invariants(state)[0];
  if (fault === undefined) return { revision, state };
  if (durable === undefined) throw lost(files.durable, files.runtime, fault.subject, fault.message);
  const isDurable = /^(networks|underlay|nodes|remoteFdb)\b/.test(fault.subject);
  const file = isDurable ? files.durable : files.runtime;
  throw corrupt(file, fault.subject, fault.message);
}

function commandLine(): string {
  return ['dpctl', ...process.argv.slice(2)].join(' ');
}
