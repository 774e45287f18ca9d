/** Source files as the rules see them: the whole text, and the code without comments and strings. */

/** One file of the repository; the path is relative to its root. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A rule that a file breaks, and where (lines count from 1). */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** A line of text for people and editors: `path:line: message`. */
export function violationLine({ path, line, message }: Violation): string {
  return `${path}:${line}: ${message}`;
}

/** Tokens of a source text, longest first: comments, strings, regular expressions. */
const PARTS =
  /(\/\*[\s\S]*?\*\/|\/\/[^\n]*)|('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|(`(?:\\[\s\S]|[^`\\])*`)|((?<=[(,=:[!&|?{};\n]\s*|return\s)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*)/g;

/**
 * TypeScript or C in which every comment, and the content of every string and regular expression, is
 * replaced by blanks, so that positions stay. `${...}` in a template counts as part of its string.
 */
export function codeOf(text: string): string {
  return text.replace(PARTS, (part) => blank(part));
}

/** The same with strings unchanged: an imported name is a string. */
export function withoutComments(text: string): string {
  return text.replace(PARTS, (part, comment: string | undefined) =>
    comment === undefined ? part : blank(part),
  );
}

function blank(part: string): string {
  return part.replace(/[^\n]/g, ' ');
}

/** Every match of a pattern, which needs its `g` flag. */
export function findAll(
  path: string,
  text: string,
  pattern: RegExp,
  message: (match: RegExpExecArray) => string,
): Violation[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path,
    line: lineAt(text, match.index),
    message: message(match),
  }));
}

/** The number, from 1, of the line that an offset is on. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
