/** Advice on the terminal: what was asked of another root is to be mended there. */
import type { Hint } from '../../loader/hint.js';
import { hintText } from '../model/hint.js';
import type { GlobalValues } from './global-flags.js';
import type { Environment } from './options.js';

/** Commands that look at no node. */
const WITHOUT_NODE = /^(bench|completion|version|-.*)?$/;

/** Makes the text of a hint. */
export type HintReader = (hint: Hint) => string;

/** How hints read for who gave these flags: with the root of the command line in their commands. */
export function hintReader({ root }: GlobalValues, env: Environment): HintReader {
  // A root that the environment gives holds for the next command, too.
  if (root === undefined || root === env.DPCTL_ROOT) return hintText;
  return (hint) =>
    hintText(hint, (words) =>
      WITHOUT_NODE.test(words[0] ?? '') || words.some(isRoot) ? [] : ['--root', root],
    );
}

function isRoot(word: string): boolean {
  return /^--root(=|$)/.test(word);
}
