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
 * Replace what differs, in an order in which a crash between two files leaves a state that is sound.
 * Each file that is replaced is another state for those who read now, and so has a revision of its own.
 * @param before what is in the files
 * @param begin told the revision of the last file before the first is replaced
 * @returns the revision of what is in the files then
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
  // By identity: edits keep what they do not change, and thousands of endpoints take long to compare.
  const sameRuntime = RUNTIME_KEYS.every((key) => before.state[key] === after[key]);
  if (sameDurable || sameRuntime) {
    if (!sameDurable) durable(after);
    if (!sameRuntime) runtime(after);
  } else {
    // After a crash between two renames the kernel is not what the files say: it is marked before.
    if (before.state.unfinished !== true) runtime({ ...before.state, unfinished: true });
    // Each endpoint must still find its network, too. So what both old and new endpoints need comes
    // next, and what nobody needs goes last.
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
  'uplink',
  'netns',
  'untold',
  'unfinished',
] as const;

/** The new networks, and those of the old ones that are no more. */
function unionOf(before: readonly Network[], after: readonly Network[]): Network[] {
  const names = new Set(after.map((network) => network.name));
  return [...after, ...before.filter((network) => !names.has(network.name))];
}
