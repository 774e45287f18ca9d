/** Where a text stops being valid JSON. */

/**
 * Line and column, from 1, of the first character that makes the text invalid. Found by trying shorter and
 * shorter prefixes, as V8 reports the position only for some errors.
 * @param text on which JSON.parse fails
 */
export function locateFault(text: string): { readonly line: number; readonly column: number } {
  let good = 0;
  let bad = text.length + 1;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isBeginning(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  const lines = text.slice(0, good).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

/** Whether more text could make this valid JSON: then its only fault is that it ends. */
function isBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (/end of JSON input|Unterminated string/.test(message)) return true;
    return Number(/at position (\d+)/.exec(message)?.[1] ?? -1) >= text.length;
  }
}
