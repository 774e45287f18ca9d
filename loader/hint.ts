/**
 * What a user can do next, as data: commands are words in it, so that the program that shows them can
 * quote the words and put options in, and code that passes them on can ask what they do.
 */

/** A command of the program that this is part of, without its name: the program puts that there. */
export interface RunPart {
  readonly run: readonly string[];
}

/** A command of another program. */
export interface ExecPart {
  readonly exec: readonly string[];
}

/** Tells the user to repeat the failed command after the preceding steps. */
export const REPEAT = { repeat: true } as const;

export type HintPart = string | RunPart | ExecPart | typeof REPEAT;

/** Plain advice, a command, or both in a row as they are to be read. */
export type Hint = HintPart | readonly HintPart[];

type Words = string | number | readonly string[];

/**
 * A command of this program: run`attach ${ns} --ip ${ip}`. What is put in stays one word, whatever is
 * in it; a list is as many words.
 */
export function run(texts: TemplateStringsArray, ...values: readonly Words[]): RunPart {
  return { run: wordsOf(texts, values) };
}

/** A command of another program, written as {@link run} takes it: exec`ip link del ${name}`. */
export function exec(texts: TemplateStringsArray, ...values: readonly Words[]): ExecPart {
  return { exec: wordsOf(texts, values) };
}

/** A sentence with commands in it: advice`${run`network list`}, or ${exec`ip -br link`}`. */
export function advice(
  texts: TemplateStringsArray,
  ...values: readonly (Hint | number)[]
): readonly HintPart[] {
  return texts
    .flatMap((text, index) => [text, ...partsOf(values[index] ?? '')])
    .filter((part) => part !== '');
}

/** The parts of a hint, in order. */
export function partsOf(hint: Hint | number): readonly HintPart[] {
  if (typeof hint === 'number') return [String(hint)];
  return isParts(hint) ? hint : [hint];
}

/** A hint without the advice to repeat the command: for callers that repeat or finish it anyway. */
export function withoutRepeat(hint: Hint): readonly HintPart[] {
  return partsOf(hint).filter((part) => part !== REPEAT);
}

/** Whether a hint has a command of this program that starts with these words. */
export function advises(hint: Hint, ...words: readonly string[]): boolean {
  return partsOf(hint).some(
    (part) =>
      typeof part === 'object' &&
      'run' in part &&
      words.every((word, index) => part.run[index] === word),
  );
}

// Array.isArray does not narrow a readonly array away.
function isParts(hint: Hint): hint is readonly HintPart[] {
  return Array.isArray(hint);
}

function wordsOf(texts: TemplateStringsArray, values: readonly Words[]): string[] {
  const words: string[] = [];
  let open: string | undefined;
  const close = (): void => {
    if (open !== undefined) words.push(open);
    open = undefined;
  };
  for (const [index, text] of texts.entries()) {
    for (const [at, piece] of text.split(/\s+/).entries()) {
      if (at > 0) close();
      if (piece !== '') open = `${open ?? ''}${piece}`;
    }
    const value = values[index];
    if (typeof value === 'string' || typeof value === 'number') open = `${open ?? ''}${value}`;
    else words.push(...(value ?? []));
  }
  close();
  return words;
}
