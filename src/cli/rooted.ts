/** Commands in advice: what was asked of another root is to be mended there. */
import { shellWord } from '../model/state/lookup.js';
import type { GlobalValues } from './globals.js';
import type { Environment } from './options.js';

/** Commands that have a node, as they stand in advice; `dpctl` is also just a name in a sentence. */
const COMMAND =
  /\bdpctl (?=(attach|detach|endpoints|network|node|underlay|fdb|dump|status|reconcile|reset|lab)\b)/g;

/**
 * Advice with the root of the command line in its commands.
 * @param text a hint or a note that may hold commands to copy
 */
export function rooted(text: string, { root }: GlobalValues, env: Environment): string {
  // A root that the environment gives holds for the next command, too.
  if (root === undefined || root === env.DPCTL_ROOT || text.includes('--root')) return text;
  return text.replace(COMMAND, () => `dpctl --root ${shellWord(root)} `);
}
