/**
 * Desired state in two files: networks, which outlive a boot, and endpoints and all else, which
 * end with the kernel they describe.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { invariants } from '../model/invariants.js';
import {
  durableSchema,
  EMPTY_STATE,
  type Network,
  runtimeSchema,
  STATE_VERSION,
  type State,
} from '../model/state.js';
import {
  type Checkpoint,
  makeDirectory,
  type Replacement,
  removeFile,
  removeLeftovers,
  replaceFiles,
} from './atomic.js';
import { formatDocument, readDocument } from './document.js';
import { corrupt, unavailable } from './errors.js';
import { acquireLock, busy, clearLock, lockTimeout, tryLock } from './lock.js';
import { salvageFiles } from './salvage.js';
import type { Store } from './store.js';

export type { Store } from './store.js';

export interface FileStoreOptions {
  /** Ends with the boot: lock, endpoints. Made when first needed, as is the other. */
  readonly runDir: string;
  /** Outlives a boot: networks. */
  readonly stateDir: string;
  /** Identity of the running kernel; by default what it says itself. */
  readonly bootId?: string | undefined;
  /** Told before each step of a save: where a test kills the process. */
  readonly checkpoint?: Checkpoint | undefined;
}

/** Paths of the files of a store. */
export interface StoreFiles {
  readonly durable: string;
  readonly runtime: string;
  readonly lock: string;
}

/** Where a store keeps what. */
export function storeFiles({ runDir, stateDir }: FileStoreOptions): StoreFiles {
  return {
    durable: join(stateDir, 'state.json'),
    runtime: join(runDir, 'endpoints.json'),
    lock: join(runDir, 'lock'),
  };
}

/** A store in files. Nothing is read or made before it is used. */
export function openFileStore(options: FileStoreOptions): Store {
  const files = storeFiles(options);
  const bootId = (): string => options.bootId ?? readBootId();
  let held = false;
  return {
    load: () => load(files, bootId()),
    salvage: () => salvageFiles(files, bootId()),
    save: (before, after) => save(files, bootId(), before, after, options.checkpoint),
    lock: async (command = commandLine()) => {
      const timeout = lockTimeout(process.env.DPCTL_LOCK_TIMEOUT);
      const release = await acquireLock(files.lock, command, timeout);
      held = true;
      for (const path of [files.durable, files.runtime]) removeLeftovers(path);
      return () => {
        held = false;
        release();
      };
    },
    clearLock: () => clearLock(files.lock),
    discard: () => {
      const release = held ? () => {} : tryLock(files.lock, commandLine());
      if (release === undefined) throw busy(files.lock, 0);
      try {
        // Endpoints first: without networks they would be taken for damage.
        removeFile(files.runtime);
        removeFile(files.durable);
      } finally {
        release();
      }
    },
  };
}

/** Times that both files are read again because a save came between. */
const READ_ATTEMPTS = 20;

/** Both files as they were at one moment: each is replaced whole, but not both at once. */
function load(files: StoreFiles, bootId: string): State {
  for (let attempt = 1; ; attempt++) {
    const before = stamp(files);
    const isTorn = (): boolean => attempt < READ_ATTEMPTS && stamp(files) !== before;
    try {
      const state = read(files, bootId);
      if (!isTorn()) return state;
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
    const { ino, mtimeNs } = statSync(path, { bigint: true });
    return `${ino} ${mtimeNs}`;
  } catch {
    return '';
  }
}

function read(files: StoreFiles, bootId: string): State {
  const durable = readDocument(files.durable, durableSchema);
  const runtime = readDocument(files.runtime, runtimeSchema);
  // Namespaces, interfaces and sysctls of another boot went with its kernel.
  const alive = runtime?.data.bootId === bootId ? runtime : undefined;
  if (durable === undefined && alive === undefined) return EMPTY_STATE;
  const { networks, underlay, nodes = [], remoteFdb = [] } = durable?.data ?? EMPTY_STATE;
  const { endpoints, staticFdb, sysctls, uplink, unfinished } = alive?.data ?? EMPTY_STATE;
  const rootId = alive?.data.rootId ?? durable?.data.rootId;
  const state: State = {
    ...(rootId !== undefined && { rootId }),
    networks,
    endpoints,
    staticFdb,
    sysctls,
    ...(underlay !== undefined && { underlay }),
    ...(uplink !== undefined && { uplink }),
    nodes,
    remoteFdb,
    ...(unfinished === true && { unfinished }),
  };
  const intact = (durable?.intact ?? true) && (alive?.intact ?? true);
  // Intact files may not belong together, if one was removed.
  const names = new Set(networks.map((network) => network.name));
  if (intact && endpoints.every((endpoint) => names.has(endpoint.network))) return state;
  const fault = invariants(state)[0];
  if (fault === undefined) return state;
  const isDurable = /^(networks|underlay|nodes|remoteFdb)\b/.test(fault.subject);
  const file = isDurable ? files.durable : files.runtime;
  throw corrupt(file, fault.subject, fault.message);
}

function save(
  files: StoreFiles,
  bootId: string,
  before: State,
  after: State,
  checkpoint: Checkpoint | undefined,
): void {
  const durable = (state: State): Replacement => ({
    path: files.durable,
    text: durableText(state),
  });
  const runtime = (state: State): Replacement => ({
    path: files.runtime,
    text: runtimeText(state, bootId),
  });
  const [oldDurable, newDurable] = [durable(before), durable(after)];
  const sameDurable = oldDurable.text === newDurable.text;
  // By identity: edits keep what they do not change, and thousands of endpoints take long to compare.
  const sameRuntime = RUNTIME_KEYS.every((key) => before[key] === after[key]);
  const replacements: Replacement[] = [];
  if (sameDurable || sameRuntime) {
    if (!sameDurable) replacements.push(newDurable);
    if (!sameRuntime) replacements.push(runtime(after));
  } else {
    // After a crash between two renames the kernel is not what the files say: it is marked before.
    if (before.unfinished !== true) replacements.push(runtime({ ...before, unfinished: true }));
    // Each endpoint must still find its network, too. So what both old and new endpoints need comes
    // next, and what nobody needs goes last.
    const wide = durable({ ...after, networks: unionOf(before.networks, after.networks) });
    if (wide.text !== oldDurable.text) replacements.push(wide);
    if (wide.text !== newDurable.text) {
      replacements.push(runtime({ ...after, unfinished: true }), newDurable);
    }
    if (wide.text === newDurable.text || after.unfinished !== true)
      replacements.push(runtime(after));
  }
  for (const { path } of replacements) makeDirectory(dirname(path));
  replaceFiles(replacements, checkpoint);
}

const RUNTIME_KEYS = [
  'rootId',
  'endpoints',
  'staticFdb',
  'sysctls',
  'uplink',
  'unfinished',
] as const;

function durableText({ rootId, networks, underlay, nodes, remoteFdb }: State): string {
  return formatDocument({
    version: STATE_VERSION,
    ...(rootId !== undefined && { rootId }),
    networks,
    ...(underlay !== undefined && { underlay }),
    ...(nodes.length > 0 && { nodes }),
    ...(remoteFdb.length > 0 && { remoteFdb }),
  });
}

function runtimeText(state: State, bootId: string): string {
  const { rootId, unfinished, uplink, endpoints, staticFdb, sysctls } = state;
  return formatDocument({
    version: STATE_VERSION,
    bootId,
    ...(rootId !== undefined && { rootId }),
    ...(unfinished === true && { unfinished }),
    ...(uplink !== undefined && { uplink }),
    endpoints,
    staticFdb,
    sysctls,
  });
}

/** The new networks, and those of the old ones that are no more. */
function unionOf(before: readonly Network[], after: readonly Network[]): Network[] {
  const names = new Set(after.map((network) => network.name));
  return [...after, ...before.filter((network) => !names.has(network.name))];
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
