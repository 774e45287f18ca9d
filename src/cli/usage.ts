/** Errors that commander finds in a command line, in dpctl's own words. */

import type { CommanderError } from 'commander';
import { DpctlError } from '../../loader/errors.js';
import { advice, type Hint, run } from '../../loader/hint.js';
import { closestWord } from '../linux/suggest.js';
import type { Command, Flag } from './command-spec.js';
import { GLOBAL_FLAGS } from './global-flags.js';
import { synopsis } from './help.js';

/** The position at which commander found the error. */
export interface ParseContext {
  /** Words so far: empty, `network`, `network add`. */
  readonly path: string;
  /** Missing if only more words may follow. */
  readonly command?: Command;
  /** Words that may follow. */
  readonly words: readonly string[];
  /** Arguments that were found. */
  readonly args: readonly string[];
}

/**
 * @param error with one of commander's `code`s
 * @returns USAGE, exit 1, with the nearest correct word
 */
export function usageError(
  error: Pick<CommanderError, 'code' | 'message'>,
  context: ParseContext,
): DpctlError {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const here = ['dpctl', context.path].filter((word) => word !== '').join(' ');
  switch (error.code) {
    case 'commander.help':
      return usage(
        `${here} needs one of: ${context.words.join(', ')}`,
        run`${words(context)} --help`,
      );
    case 'commander.unknownCommand':
      return unknownCommand(here, context);
    case 'commander.unknownOption':
      return unknownFlag(here, context, quoted);
    case 'commander.missingArgument':
      return usage(`${here} needs ${quoted}`, synopsisOf(context));
    case 'commander.optionMissingArgument': {
      const form = quoted.replace(/^-., /, '').replace(/[<>]/g, '');
      return usage(`${form.split(' ')[0]} needs a value`, form);
    }
    case 'commander.excessArguments':
      return excess(here, context);
    default:
      return usage(error.message.replace(/^error: /, ''), run`${words(context)} --help`);
  }
}

function unknownCommand(here: string, context: ParseContext): DpctlError {
  const word = context.args[0] ?? '';
  const near = closestWord(word, context.words);
  return usage(
    `there is no command "${here} ${word}"${meant(near)}`,
    near === undefined ? run`${words(context)} --help` : run`${words(context)} ${near}`,
  );
}

function unknownFlag(here: string, context: ParseContext, word: string): DpctlError {
  const flag = word.split('=')[0] ?? word;
  const known = flagWords([...(context.command?.flags ?? []), ...GLOBAL_FLAGS]);
  const near = closestWord(flag, known);
  return usage(
    `${here} has no flag ${flag}${meant(near)}`,
    near === undefined ? run`${words(context)} --help` : run`${words(context)} ${near}`,
  );
}

function excess(here: string, context: ParseContext): DpctlError {
  const extra = context.args.slice(context.command?.args.length ?? 0);
  const words = extra.map((word) => `"${word}"`).join(', ');
  return usage(`${here} does not know what to do with ${words}`, synopsisOf(context));
}

const meant = (near: string | undefined): string =>
  near === undefined ? '' : `; did you mean "${near}"?`;

const synopsisOf = (context: ParseContext): Hint => {
  if (context.command === undefined) return run`${words(context)} --help`;
  const command = ['dpctl', context.path].join(' ');
  return advice`${run`${words(context)}`}${synopsis(context.command).slice(command.length)}`;
};

const words = ({ path }: ParseContext): string[] => path.split(' ').filter((word) => word !== '');

/** All forms of some flags, with --help. */
function flagWords(flags: readonly Flag[]): string[] {
  return [
    ...flags.flatMap((flag) =>
      flag.negatable ? [`--${flag.name}`, `--no-${flag.name}`] : [`--${flag.name}`],
    ),
    '--help',
  ];
}

function usage(message: string, hint: Hint): DpctlError {
  return new DpctlError('USAGE', message, { exitCode: 1, hint });
}
