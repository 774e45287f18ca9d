/** Help texts from the table of commands: examples first, common flags before the others. */

import { Help } from 'commander';
import { type Command, envName, type Flag, shownForm } from './command-spec.js';
import {
  commandOf,
  EXIT_CODES,
  GROUPS,
  shownCommands,
  subverbs,
  TOUR,
  VARIABLES,
  verbs,
} from './commands/table.js';
import { GLOBAL_FLAGS } from './global-flags.js';

/** Width of help in columns: longer lines are hard to read and do not fit a small terminal. */
const WIDTH = 80;

/** Help of `dpctl`. */
export function topHelp(): string {
  return sections([
    ['', ['dpctl connects network namespaces with a switch in eBPF.']],
    ['Examples', indent(TOUR)],
    ['Commands', table(verbs().map((verb) => [verb, verbSummary(verb)]))],
    ['Flags of every command', flagLines(GLOBAL_FLAGS)],
    ['Environment', table([...VARIABLES])],
    ['Exit codes', table(EXIT_CODES.map(([code, text]) => [String(code), text]))],
    ['', ['dpctl COMMAND --help explains a command.']],
  ]);
}

/** Help of the first word of two-word commands: `dpctl network`. */
export function groupHelp(group: string): string {
  const commands = subverbs(group).map((word) => commandOf(`${group} ${word}`));
  const known = commands.filter((command) => command !== undefined);
  return sections([
    ['', [`dpctl ${group}: ${GROUPS[group] ?? ''}`]],
    ['Examples', indent(known.flatMap((command) => command.examples.slice(0, 1).map(lineOf)))],
    ['Commands', table(known.map((command) => [usageOf(command), command.summary]))],
    ['', [`dpctl ${group} COMMAND --help explains a command.`]],
  ]);
}

/** Help of one command. */
export function commandHelp(command: Command): string {
  const flags: readonly Flag[] = command.flags;
  const common = flags.filter((flag) => flag.common);
  const rest = flags.filter((flag) => !flag.common);
  return sections([
    ['', [`dpctl ${command.path}: ${command.summary}`]],
    ['Examples', exampleLines(command)],
    ['Usage', indent([synopsis(command)])],
    ['Arguments', table(command.args.map((argument) => [argument.name, argumentText(argument)]))],
    ['Common flags', flagLines(common)],
    ['Flags', flagLines(rest)],
    [
      'Flags of every command',
      [...flagLines(GLOBAL_FLAGS), ...table([['-h, --help', 'this text']])],
    ],
    ['', paragraphs([...(command.description ?? []), variableText(command.path, flags)])],
  ]);
}

/** The usage line of a command: `dpctl attach NS [FLAGS]`. */
export function synopsis(command: Command): string {
  return `dpctl ${usageOf(command)}${command.flags.length > 0 ? ' [FLAGS]' : ''}`;
}

/** A flag as help shows it: `-o, --output FORM`, `--no-lock, --lock`. */
export function flagForm(flag: Flag): string {
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  const shown = shownForm(flag);
  if (flag.type === 'boolean') {
    const other = shown === flag.name ? `no-${flag.name}` : flag.name;
    return flag.negatable ? `${short}--${shown}, --${other}` : `${short}--${shown}`;
  }
  const value = flag.placeholder ?? 'VALUE';
  const form = `${short}--${flag.name} ${flag.type === 'switch-list' ? `[${value}]` : value}`;
  return flag.negatable ? `${form}, --no-${flag.name}` : form;
}

/** The meaning of a flag, with its choices, default and whether it may be repeated. */
export function flagText(flag: Flag): string {
  const remarks = [
    flag.choices === undefined || flag.type === 'integer' ? '' : flag.choices.join(', '),
    flag.type === 'list' || flag.type === 'switch-list' ? 'may be repeated' : '',
    flag.default === undefined || flag.type === 'boolean' ? '' : `default: ${flag.default}`,
  ].filter((remark) => remark !== '');
  return remarks.length === 0 ? flag.summary : `${flag.summary} (${remarks.join('; ')})`;
}

/** The meaning of an argument, with its choices. */
export function argumentText(argument: Command['args'][number]): string {
  const { summary, choices } = argument;
  return choices === undefined ? summary : `${summary} (${choices.join(', ')})`;
}

/** A command's words and arguments: `network add NAME`. */
function usageOf(command: Command): string {
  const args = command.args.map(({ name, optional, rest }) =>
    optional ? `[${name}]` : rest ? `${name}...` : name,
  );
  return [command.path, ...args].join(' ');
}

function verbSummary(verb: string): string {
  return GROUPS[verb] ?? shownCommands().find(({ path }) => path === verb)?.summary ?? '';
}

const lineOf = (example: Command['examples'][number]): string => example.line;

function exampleLines(command: Command): string[] {
  return command.examples.flatMap(({ line, text }) =>
    text === '' ? [`  ${line}`] : [`  ${line}`, `      ${text}`],
  );
}

function flagLines(flags: readonly Flag[]): string[] {
  return table(flags.map((flag) => [flagForm(flag), flagText(flag)]));
}

/** How variables set the flags, with one of them as an example. */
function variableText(path: string, flags: readonly Flag[]): string {
  const flag = flags.find((one) => one.placeholder !== undefined) ?? flags[0];
  if (flag === undefined) return '';
  return `Each flag can be given by a variable too: ${envName(path, flag)} for --${shownForm(flag)}.`;
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

/** Two columns; the second is wrapped to its own indent, and starts on a new line after a long first. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const first = Math.min(26, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, WIDTH - first - 4);
    const head =
      left.length <= first
        ? [`  ${left.padEnd(first)}  ${lines[0] ?? ''}`]
        : [`  ${left}`, `${' '.repeat(first + 4)}${lines[0] ?? ''}`];
    return [...head, ...lines.slice(1).map((line) => ' '.repeat(first + 4) + line)];
  });
}

function paragraphs(texts: readonly string[]): string[] {
  return texts
    .filter((text) => text !== '')
    .flatMap((text, index) => [...(index > 0 ? [''] : []), ...wrap(text, WIDTH)]);
}

/** commander's, which leaves text alone that has less room than it takes for readable. */
const HELP = Object.assign(new Help(), { minWidthToWrap: 1 });

const wrap = (text: string, width: number): string[] =>
  text === '' ? [] : HELP.boxWrap(text, width).split('\n');

function sections(parts: readonly (readonly [string, readonly string[]])[]): string {
  return parts
    .filter(([, lines]) => lines.length > 0)
    .map(([head, lines]) => [...(head === '' ? [] : [`${head}:`]), ...lines].join('\n'))
    .join('\n\n')
    .concat('\n');
}
