/** What may follow at the cursor. Pure except for the sources, which are only queried if needed. */

import type { Argument, Command, Completion, Flag } from '../command-spec.js';
import { commandOf, GROUPS, shownCommands, subverbs, verbs } from '../commands/table.js';
import { GLOBAL_FLAGS } from '../global-flags.js';

/** A possible word, and its meaning. */
export interface Candidate {
  readonly value: string;
  readonly text: string;
}

/** Names that exist now. Each source gives an empty list rather than fail. */
export type Sources = Readonly<
  Record<
    'namespace' | 'endpoint' | 'network' | 'node' | 'device',
    (root: string | undefined) => Promise<readonly Candidate[]>
  >
>;

/** The line that makes the shell complete directories. */
const DIRECTORY = ':directory';

/** The meaning of the words before the cursor. */
interface Context {
  readonly command: Command | undefined;
  /** First word of a two-word command whose second is missing. */
  readonly group: string | undefined;
  /** Number of arguments so far. */
  readonly args: number;
  /** The flag whose value is being typed. */
  readonly pending: Flag | undefined;
  /** Names of flags that were given. */
  readonly given: ReadonlySet<string>;
  /** `--` was seen. */
  readonly literal: boolean;
  readonly root: string | undefined;
}

/**
 * Candidates for the last word.
 * @param words after the program's name; the last one is being typed and may be empty
 */
export async function candidates(words: readonly string[], sources: Sources): Promise<Candidate[]> {
  const merged = mergeEquals(words);
  const current = merged.words.at(-1) ?? '';
  const context = contextOf(merged.words.slice(0, -1));
  const { command, group, pending } = context;
  if (pending !== undefined) return valuesOf(pending, sources, context.root);
  if (current.startsWith('-') && !context.literal) {
    const equals = current.indexOf('=');
    if (equals > 0) {
      const flag = flagsOf(command).find(({ name }) => `--${name}` === current.slice(0, equals));
      if (flag === undefined || flag.type === 'boolean') return [];
      const values = await valuesOf(flag, sources, context.root);
      if (merged.split) return values;
      // Only bash completes directories after the equals sign.
      if (flag.completion === 'directory') return [];
      return values.map(({ value, text }) => ({
        value: `${current.slice(0, equals + 1)}${value}`,
        text,
      }));
    }
    return flagCandidates(command, context.given);
  }
  if (group !== undefined)
    return subverbs(group).map((word) => commandWord(`${group} ${word}`, word));
  if (command === undefined) return verbs().map((verb) => commandWord(verb, verb));
  const argument: Argument | undefined = command.args[context.args];
  return argument === undefined ? [] : valuesOf(argument, sources, context.root);
}

function commandWord(path: string, value: string): Candidate {
  return { value, text: GROUPS[path] ?? commandOf(path)?.summary ?? '' };
}

function flagsOf(command: Command | undefined): Flag[] {
  return [...(command?.flags ?? []), ...GLOBAL_FLAGS];
}

function flagCandidates(command: Command | undefined, given: ReadonlySet<string>): Candidate[] {
  const open = flagsOf(command).filter(
    ({ name, type }) => !given.has(name) || type === 'list' || type === 'switch-list',
  );
  return [
    ...open.flatMap(({ name, summary, negatable, default: standard }) =>
      negatable
        ? [
            { value: `--${standard === 'on' ? 'no-' : ''}${name}`, text: summary },
            { value: `--${standard === 'on' ? '' : 'no-'}${name}`, text: 'the opposite' },
          ]
        : [{ value: `--${name}`, text: summary }],
    ),
    { value: '--help', text: 'explain' },
  ];
}

async function valuesOf(
  { choices, completion }: Pick<Flag, 'choices' | 'completion'>,
  sources: Sources,
  root: string | undefined,
): Promise<Candidate[]> {
  if (choices !== undefined) return choices.map((value) => ({ value, text: '' }));
  return completion === undefined ? [] : completed(completion, sources, root);
}

async function completed(
  completion: Completion,
  sources: Sources,
  root: string | undefined,
): Promise<Candidate[]> {
  switch (completion) {
    case 'directory':
      return [{ value: DIRECTORY, text: '' }];
    case 'command':
      return shownCommands().map(({ path, summary }) => ({ value: path, text: summary }));
    default:
      return [...(await sources[completion](root))];
  }
}

/** bash splits `--flag=value` at the equals sign; join it into one word again. */
function mergeEquals(words: readonly string[]): { words: string[]; split: boolean } {
  const merged: string[] = [];
  let split = false;
  for (const [index, word] of words.entries()) {
    const before = merged.at(-1);
    const joins = before?.startsWith('--') === true;
    if (word === '=' && joins) {
      merged[merged.length - 1] = `${before}=`;
      split = index >= words.length - 2;
    } else if (words[index - 1] === '=' && joins && before.endsWith('=')) {
      merged[merged.length - 1] = `${before}${word}`;
    } else {
      merged.push(word);
    }
  }
  return { words: merged, split };
}

function contextOf(words: readonly string[]): Context {
  let command: Command | undefined;
  let group: string | undefined;
  let args = 0;
  let pending: Flag | undefined;
  let literal = false;
  let root: string | undefined;
  const given = new Set<string>();
  for (const word of words) {
    if (pending !== undefined) {
      if (pending.name === 'root') root = word;
      pending = undefined;
    } else if (word === '--' && !literal) {
      literal = true;
    } else if (word.startsWith('-') && word.length > 1 && !literal) {
      const [name = '', value] = word.split('=', 2);
      const flag = flagsOf(command).find((one) => isFlag(one, name));
      if (flag === undefined) continue;
      given.add(flag.name);
      if (flag.name === 'root') root = value;
      if (value === undefined && flag.type !== 'boolean' && flag.type !== 'switch-list')
        pending = flag;
    } else if (command !== undefined) {
      args++;
    } else {
      const path = group === undefined ? word : `${group} ${word}`;
      command = commandOf(path);
      group = command === undefined && path in GROUPS ? path : undefined;
    }
  }
  return { command, group, args, pending, given, literal, root };
}

function isFlag({ name, short }: Flag, word: string): boolean {
  return (
    word === `--${name}` || word === `--no-${name}` || (short !== undefined && word === `-${short}`)
  );
}
