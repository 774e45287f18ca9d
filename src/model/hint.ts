/** Hints as text. */
import { type Hint, type HintPart, partsOf } from '../../loader/hint.js';

/**
 * A hint as text, with its commands quoted for a shell; '' if there is none.
 * @param options inserted before the words of each dpctl command
 */
export function hintText(
  hint: Hint | undefined,
  options: (words: readonly string[]) => readonly string[] = () => [],
): string {
  const text = (part: HintPart): string => {
    if (typeof part === 'string') return part;
    if ('repeat' in part) return ', then repeat the command';
    return 'run' in part
      ? commandLine(['dpctl', ...options(part.run), ...part.run])
      : commandLine(part.exec);
  };
  return partsOf(hint ?? '')
    .map(text)
    .join('');
}

/** A word, quoted for a shell if necessary. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function commandLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
