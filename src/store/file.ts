/**
 * Desired state in two files: networks, which outlive a boot, and endpoints and all else, which
 * end with the kernel they describe.
 */
import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { invariants } from '../model/state/invariants.js';
import { EMPTY_STATE, type State } from '../model/state/state.js';
import { type Checkpoint, removeFile, removeLeftovers } from './atomic.js';
import { corrupt, lost, unavailable } from './errors.js';
import { acquireLock, busy, clearLock, lockTimeout, type Release, tryLock } from './lock.js';
import { checkWay } from './own-file.js';
import { mendRecords, readRecords, recordFaults, type StoreFiles } from './records.js';
import { salvageFiles } from './salvage.js';
import { saveFiles } from './save.js';
import type { Store } from './store.js';

export type { StoreFiles } from './records.js';
export type { Salvaged, Store } from './store.js';

export interface FileStoreOptions {
  /** Ends with the boot: lock, endpoints. Made when first needed, as is the other. */
  readonly runDir: string;
  /** Outlives a boot: networks. */
  readonly stateDir: string;
  /** Directory from which down nothing may be a link or another user's; without it, nobody looks. */
  readonly root?: string | undefined;
  /** Identity of the running kernel; by default what it says itself. */
  readonly bootId?: string | undefined;
  /** Told before each step of a save: where a test kills the process. */
  readonly checkpoint?: Checkpoint | undefined;
}

/** All records, those first without which the others would be taken for damage. */
/** Whoever finds only the last of them has lost nothing: the lasting ones tell that there were endpoints. */
function recordsOf({ runtimeCopy, runtime, durableCopy, durable }: StoreFiles): string[] {
  return [durableCopy, durable, runtimeCopy, runtime];
}

/** Where a store keeps what. */
export function storeFiles({ runDir, stateDir }: FileStoreOptions): StoreFiles {
  return {
    durable: join(stateDir, 'state.json'),
    runtime: join(runDir, 'endpoints.json'),
    lock: join(runDir, 'lock'),
    durableCopy: join(runDir, 'state.copy.json'),
    runtimeCopy: join(stateDir, 'endpoints.copy.json'),
  };
}

/** A store in files. Nothing is read or made before it is used. */
export function openFileStore(options: FileStoreOptions): Store {
  const files = storeFiles(options);
  const bootId = (): string => options.bootId ?? readBootId();
  let holder: Release | undefined;
  let known: Known | undefined;
  const { root } = options;
  const trust = (): void => {
    if (root === undefined) return;
    for (const dir of [options.runDir, options.stateDir]) checkWay(root, relative(root, dir));
  };
  return {
    lockPath: files.lock,
    load: () => {
      trust();
      known = load(files, bootId());
      return known.state;
    },
    faults: () => recordFaults(files, bootId()),
    mend: () => mendRecords(files, () => load(files, bootId()), bootId()),
    salvage: () => salvageFiles(files, bootId()),
    save: (before, after) => {
      const believed = known?.state === before && known.stamp === stamp(files);
      const there = believed ? before : load(files, bootId()).state;
      // Until it is done nobody knows how much of it is there.
      known = undefined;
      saveFiles(files, bootId(), there, after, options.checkpoint);
      known = { state: after, stamp: stamp(files) };
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
      return () => {
        // Called again, it must not say of a later lock that nobody has it.
        if (holder === release) holder = undefined;
        release();
      };
    },
    clearLock: () => clearLock(files.lock),
    discard: () => {
      known = undefined;
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

/** A state that was read or written, and the files as they were then. */
interface Known {
  readonly state: State;
  readonly stamp: string;
}

/** Times that both files are read again because a save came between. */
const READ_ATTEMPTS = 20;

/** Both files as they were at one moment: each is replaced whole, but not both at once. */
function load(files: StoreFiles, bootId: string): Known {
  for (let attempt = 1; ; attempt++) {
    const before = stamp(files);
    const isTorn = (): boolean => attempt < READ_ATTEMPTS && stamp(files) !== before;
    try {
      const state = read(files, bootId);
      if (!isTorn()) return { state, stamp: before };
    } catch (error) {
      if (!isTorn()) throw error;
    }
  }
}

/**
 * Changes with each save: what replaces a file is another one. A file that may not be looked at
 * has no stamp; reading it says why.
 */
function stamp({ durable, runtime }: StoreFiles): string {
  return [durable, runtime].map(stampOf).join();
}

function stampOf(path: string): string {
  try {
    const { dev, ino, size, ctimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${ctimeNs}`;
  } catch {
    return '';
  }
}

function read(files: StoreFiles, bootId: string): State {
  const { durable, runtime: alive, runtimeLost } = readRecords(files, bootId);
  if (durable === undefined && alive === undefined) return EMPTY_STATE;
  const { networks, underlay, nodes = [], remoteFdb = [] } = durable?.data ?? EMPTY_STATE;
  const { endpoints, staticFdb, sysctls, uplink, netns, unfinished, untold } =
    alive?.data ?? EMPTY_STATE;
  const rootId = alive?.data.rootId ?? durable?.data.rootId;
  const state: State = {
    ...(rootId !== undefined && { rootId }),
    networks,
    endpoints,
    staticFdb,
    sysctls,
    ...(underlay !== undefined && { underlay }),
    ...(uplink !== undefined && { uplink }),
    ...(netns !== undefined && { netns }),
    nodes,
    remoteFdb,
    ...((unfinished === true || runtimeLost) && { unfinished: true }),
    ...((untold === true || runtimeLost) && { untold: true }),
  };
  const intact = (durable?.intact ?? true) && (alive?.intact ?? true);
  // Intact files may not belong together, if one was removed.
  const names = new Set(networks.map((network) => network.name));
  if (intact && endpoints.every((endpoint) => names.has(endpoint.network))) return state;
  const fault = invariants(state)[0];
  if (fault === undefined) return state;
  if (durable === undefined) throw lost(files.durable, files.runtime, fault.subject, fault.message);
  const isDurable = /^(networks|underlay|nodes|remoteFdb)\b/.test(fault.subject);
  const file = isDurable ? files.durable : files.runtime;
  throw corrupt(file, fault.subject, fault.message);
}

function readBootId(): string {
  const path = '/proc/sys/kernel/random/boot_id';
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw unavailable(`read ${path}`, cause);
  }
}

function commandLine(): string {
  return ['dpctl', ...process.argv.slice(2)].join(' ');
}
