/**
 * From the words of a command line to a call: which command, with which arguments and options. commander
 * splits the words; it is configured from the table of commands and prints nothing itself.
 */

import { CommanderError, Option, Command as Parser } from 'commander';
import { DpctlError } from '../../loader/errors.js';
import { run } from '../../loader/hint.js';
import { type Command, camelCase, type Flag, keyOf } from './command-spec.js';
import { COMMANDS, commandOf, GROUPS, subverbs, verbs } from './commands/table.js';
import { GLOBAL_FLAGS, type GlobalValues } from './global-flags.js';
import { commandHelp, groupHelp, topHelp } from './help.js';
import { type Environment, type Given, oneOf, resolveOptions } from './options.js';
import { guardRest } from './trailing-command.js';
import { type ParseContext, usageError } from './usage.js';
import { VERSION } from './version.js';

/** A command to run. */
export interface Call {
  readonly command: Command;
  readonly args: Readonly<Record<string, string>>;
  /** The words of an argument that takes all following ones. */
  readonly rest: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly globals: GlobalValues;
}

/** The result of parsing: a call, or a text (help, version). */
export type Parsed = { readonly call: Call } | { readonly text: string };

/**
 * @param words the command line without the program's name
 * @throws DpctlError USAGE or BAD_VALUE, exit 1
 */
export function parse(words: readonly string[], env: Environment): Parsed {
  const shown: string[] = [];
  const found: { command: Command; parser: Parser }[] = [];
  const root = prepare(new Parser('dpctl'), '', shown);
  root.version(`dpctl ${VERSION}`, '--version');
  addFlags(root, GLOBAL_FLAGS);
  const groups = new Map<string, Parser>();
  for (const command of COMMANDS) {
    const [first = '', second] = command.path.split(' ');
    let parent = root;
    if (second !== undefined) {
      parent = groups.get(first) ?? prepare(root.command(first), first, shown);
      groups.set(first, parent);
    }
    const parser = prepare(parent.command(second ?? first), command.path, shown, command);
    addFlags(parser, command.flags);
    for (const { name, optional, rest } of command.args) {
      parser.argument(optional ? `[${name}]` : rest ? `<${name}...>` : name);
    }
    parser.action(() => {
      found.push({ command, parser });
    });
  }
  try {
    root.parse(guardRest(words), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return { text: shown.join('') };
    throw error;
  }
  const [one] = found;
  if (one === undefined) return { text: topHelp() };
  const call = callOf(one.command, one.parser, root, env);
  return one.command.path === 'help' ? { text: helpOf(call.args) } : { call };
}

/** Make a parser use dpctl's help and errors; whatever it would print goes to `shown`. */
function prepare(parser: Parser, path: string, shown: string[], command?: Command): Parser {
  parser.helpInformation = () => helpText(path, command);
  parser.helpOption('-h, --help').helpCommand(false);
  parser.configureOutput({ writeOut: (text) => shown.push(text), writeErr: () => undefined });
  parser.exitOverride((error) => {
    if (error.exitCode === 0) throw error;
    throw usageError(error, contextOf(path, command, parser.args));
  });
  return parser.showSuggestionAfterError(false);
}

function contextOf(
  path: string,
  command: Command | undefined,
  args: readonly string[],
): ParseContext {
  const words = path === '' ? verbs() : subverbs(path);
  return command === undefined ? { path, words, args } : { path, command, words, args };
}

function helpText(path: string, command: Command | undefined): string {
  if (command !== undefined) return commandHelp(command);
  return path === '' ? topHelp() : groupHelp(path);
}

function addFlags(parser: Parser, flags: readonly Flag[]): void {
  for (const flag of flags) {
    const short = flag.short === undefined ? '' : `-${flag.short}, `;
    const value = flag.placeholder ?? 'VALUE';
    if (flag.type === 'boolean') {
      parser.addOption(new Option(`${short}--${flag.name}`));
      if (flag.negatable) parser.addOption(new Option(`--no-${flag.name}`));
      continue;
    }
    const bare = flag.type === 'switch-list';
    const option = new Option(`${short}--${flag.name} ${bare ? `[${value}]` : `<${value}>`}`);
    if (bare) option.preset('');
    if (bare || flag.type === 'list') option.argParser(collect);
    parser.addOption(option);
    if (flag.negatable) parser.addOption(new Option(`--no-${flag.name}`));
  }
}

/** The last form wins: values after --no-NAME start a new list. */
const collect = (text: string, before: readonly string[] | false | undefined): string[] => [
  ...(before || []),
  text,
];

/** The values that commander found, under dpctl's keys. */
function givenOf(parser: Parser, flags: readonly Flag[]): Map<string, Given> {
  const values: Record<string, Given | undefined> = parser.opts();
  const given = new Map<string, Given>();
  for (const flag of flags) {
    const value = values[camelCase(flag.name)];
    if (value !== undefined) given.set(keyOf(flag), value);
  }
  return given;
}

function callOf(command: Command, parser: Parser, root: Parser, env: Environment): Call {
  const given = givenOf(root, GLOBAL_FLAGS);
  const output = given.get('output');
  if (given.has('json') && output !== undefined && output !== 'json') {
    throw new DpctlError('USAGE', `-j and -o ${String(output)} contradict each other`, {
      exitCode: 1,
      hint: 'use only one of the two',
    });
  }
  // The flag -o overrides a variable for -j, and the other way round.
  const overridden = given.has('output') ? 'DPCTL_JSON' : given.has('json') ? 'DPCTL_OUTPUT' : '';
  const args: Record<string, string> = {};
  for (const [index, { key, name, choices, rest }] of command.args.entries()) {
    const word = parser.args[index];
    if (word === undefined || rest) continue;
    args[key] = oneOf(word, choices, name, (choice) => run`${command.path.split(' ')} ${choice}`);
  }
  return {
    command,
    args,
    rest: restOf(command, parser),
    options: resolveOptions(command.path, command.flags, givenOf(parser, command.flags), env),
    globals: resolveOptions('', GLOBAL_FLAGS, given, { ...env, [overridden]: undefined }),
  };
}

function restOf({ args }: Command, parser: Parser): string[] {
  const at = args.findIndex(({ rest }) => rest === true);
  return at < 0 ? [] : parser.args.slice(at);
}

function helpOf(args: Readonly<Record<string, string>>): string {
  const { command: first, subcommand: second } = args;
  if (first === undefined) return topHelp();
  const command = commandOf(second === undefined ? first : `${first} ${second}`);
  if (command !== undefined) return commandHelp(command);
  const group = first in GROUPS;
  if (group && second === undefined) return groupHelp(first);
  const place = group
    ? contextOf(first, undefined, [second ?? ''])
    : contextOf('', undefined, [first]);
  throw usageError({ code: 'commander.unknownCommand', message: '' }, place);
}
