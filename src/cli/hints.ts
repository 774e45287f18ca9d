/** Hints on the terminal: a command for another root must be repaired there. */
import type { Hint } from '../../loader/hint.js';
import { hintText } from '../model/hint.js';
import type { GlobalValues } from './global-flags.js';
import type { Environment } from './options.js';

/** Commands that use no node. */
const WITHOUT_NODE = /^(bench|completion|version|-.*)?$/;

/** Makes the text of a hint. */
export type HintReader = (hint: Hint) => string;

/** A reader for a command line with these flags: it adds the given root to the commands in hints. */
export function hintReader({ root }: GlobalValues, env: Environment): HintReader {
  // A root from the environment also applies to the next command.
  if (root === undefined || root === env.DPCTL_ROOT) return hintText;
  return (hint) =>
    hintText(hint, (words) =>
      WITHOUT_NODE.test(words[0] ?? '') || words.some(isRoot) ? [] : ['--root', root],
    );
}

function isRoot(word: string): boolean {
  return /^--root(=|$)/.test(word);
}
