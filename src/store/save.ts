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
import type { StoreFiles } from './records.js';
import { durableText, runtimeText } from './text.js';

/**
 * Replace what differs, in an order in which a crash between two files leaves a state that is sound.
 * @param before what is in the files
 */
export function saveFiles(
  files: StoreFiles,
  bootId: string,
  before: State,
  after: State,
  checkpoint: Checkpoint | undefined,
): void {
  const durable = (state: State): Replacement => ({
    path: files.durable,
    text: durableText(state, bootId),
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
  if (!sameDurable) replaceCopy({ ...newDurable, path: files.durableCopy });
  if (!sameRuntime) replaceCopy({ ...runtime(after), path: files.runtimeCopy });
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
