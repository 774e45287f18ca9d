/** Where a text stops being valid JSON. */
import { type ParseError, parse } from 'jsonc-parser';

/**
 * Line and column, from 1, of the first character or word that makes the text invalid. V8 reports the
 * position only for some errors.
 * @param text on which JSON.parse fails
 */
export function locateFault(text: string): { readonly line: number; readonly column: number } {
  const errors: ParseError[] = [];
  parse(text, errors, { disallowComments: true });
  const lines = text.slice(0, errors[0]?.offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
