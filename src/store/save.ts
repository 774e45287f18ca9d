/** Which files a save replaces, and in what order. */
import { dirname } from 'node:path';
import type { Network, State } from '../model/state/state.js';
import {
  type Checkpoint,
  makeDirectory,
  type Replacement,
  replaceCopy,
  replaceFiles,
} from './atomic.js';
import { durableText, runtimeText } from './record-text.js';
import type { StoreFiles } from './records.js';
import type { Versioned } from './store.js';

/**
 * Replace the records that differ, in an order in which a crash between two files leaves a sound state.
 * Readers see each replaced file as another state, so each has its own revision.
 * @param before the content of the files
 * @param begin called with the revision of the last file before the first is replaced
 * @returns the revision of the files afterwards
 */
export function saveFiles(
  files: StoreFiles,
  bootId: string,
  before: Versioned,
  after: State,
  options: {
    readonly checkpoint: Checkpoint | undefined;
    readonly begin: (revision: number) => void;
  },
): number {
  let { revision } = before;
  const replacements: Replacement[] = [];
  const copies = new Map<string, Replacement>();
  const durable = (state: State): void => {
    const text = durableText(state, bootId, ++revision);
    replacements.push({ path: files.durable, text });
    copies.set(files.durableCopy, { path: files.durableCopy, text });
  };
  const runtime = (state: State): void => {
    const text = runtimeText(state, bootId, ++revision);
    replacements.push({ path: files.runtime, text });
    copies.set(files.runtimeCopy, { path: files.runtimeCopy, text });
  };
  const contents = (state: State): string => durableText(state, bootId, 0);
  const sameDurable = contents(before.state) === contents(after);
  // Compared by identity: edits keep unchanged parts, and comparing thousands of endpoints takes long.
  const sameRuntime = RUNTIME_KEYS.every((key) => before.state[key] === after[key]);
  if (sameDurable || sameRuntime) {
    if (!sameDurable) durable(after);
    if (!sameRuntime) runtime(after);
  } else {
    // After a crash between two renames the kernel does not match the files: mark them as unfinished first.
    if (before.state.unfinished !== true) runtime({ ...before.state, unfinished: true });
    // Each endpoint must still find its network. So what both old and new endpoints need comes next, and what
    // no endpoint needs is removed last.
    const wide = { ...after, networks: unionOf(before.state.networks, after.networks) };
    const isWideNew = contents(wide) === contents(after);
    if (contents(wide) !== contents(before.state)) durable(wide);
    if (!isWideNew) {
      runtime({ ...after, unfinished: true });
      durable(after);
    }
    if (isWideNew || after.unfinished !== true) runtime(after);
  }
  options.begin(revision);
  for (const { path } of replacements) makeDirectory(dirname(path));
  replaceFiles(replacements, options.checkpoint);
  for (const copy of copies.values()) replaceCopy(copy);
  return revision;
}

const RUNTIME_KEYS = [
  'rootId',
  'endpoints',
  'staticFdb',
  'sysctls',
  'resolvedUnderlay',
  'netns',
  'untold',
  'unfinished',
] as const;

/** The new networks, and the old ones that are being removed. */
function unionOf(before: readonly Network[], after: readonly Network[]): Network[] {
  const names = new Set(after.map((network) => network.name));
  return [...after, ...before.filter((network) => !names.has(network.name))];
}
