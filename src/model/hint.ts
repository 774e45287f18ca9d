/** Hints as people read them. */
import { type Hint, type HintPart, partsOf } from '../../loader/hint.js';

/**
 * A hint as text, its commands as a shell takes them; nothing where there is none.
 * @param options goes before the words of each command of dpctl
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

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function commandLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
