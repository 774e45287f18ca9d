/** Commands whose last argument is the command line of another program: its flags are not dpctl's. */

import type { Command, Flag } from './command-spec.js';
import { COMMANDS } from './commands/table.js';
import { GLOBAL_FLAGS } from './global-flags.js';

/** Insert `--` before the other program's words, so that users need not do so for its flags. */
export function guardRest(words: readonly string[]): readonly string[] {
  let path = '';
  let operands = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') return words;
    const command = commandOf(path);
    if (word.startsWith('-') && word.length > 1) {
      if (takesNext(word, [...GLOBAL_FLAGS, ...(command?.flags ?? [])])) at++;
      continue;
    }
    if (command === undefined) {
      path = path === '' ? word : `${path} ${word}`;
      continue;
    }
    if (command.args[operands]?.rest === true) {
      return [...words.slice(0, at), '--', ...words.slice(at)];
    }
    operands++;
  }
  return words;
}

function commandOf(path: string): Command | undefined {
  return COMMANDS.find((command) => command.path === path);
}

/** A flag whose value is the next word. */
function takesNext(word: string, flags: readonly Flag[]): boolean {
  if (word.includes('=')) return false;
  const flag = flags.find(({ name, short }) => word === `--${name}` || word === `-${short}`);
  return flag !== undefined && flag.type !== 'boolean' && flag.type !== 'switch-list';
}
