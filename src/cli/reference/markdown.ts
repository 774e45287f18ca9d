/** docs/cli.md, from the table of commands. */

import { type Command, envName, type Flag } from '../command-spec.js';
import { EXIT_CODES, shownCommands, VARIABLES } from '../commands/table.js';
import { GLOBAL_FLAGS } from '../global-flags.js';
import { argumentText, flagForm, flagText, synopsis } from '../help.js';
import { allSchemas } from '../schemas/index.js';
import { jsonKey, type Schema } from '../schemas/schema.js';

/** The whole of docs/cli.md. */
export function cliMarkdown(): string {
  const commands = shownCommands();
  return [
    '<!-- Made from src/cli/commands/table.ts by `make docs`; edits here are lost. -->',
    '# Commands of dpctl',
    'Data goes to stdout, messages go to stderr, and a command that fails leaves stdout empty. Every command that changes something may be repeated: with nothing to do it says `unchanged` and exits with 0.',
    tableOf(
      ['Command', 'What it does'],
      commands.map((command) => [link(command.path), command.summary]),
    ),
    '## Flags of every command',
    flagTable('', GLOBAL_FLAGS),
    'A flag beats its variable, and a variable beats the default. A switch is set by `1`, `yes`, `true` or `on`; a list has commas between. Words are never abbreviated.',
    '## Output',
    '`table` (the default) has upper-case heads and two spaces between columns; an empty cell is `-`, and nothing is cut. `wide` has more columns. `json` is one array of flat objects, or one object where a command is about one thing; keys are those of iproute2 where it has them. `yaml` is the same as YAML. `name` is one name a line. What a command changed is a message on stderr; with `-o` it is data on stdout instead.',
    '## Exit codes',
    tableOf(
      ['Code', 'Meaning'],
      EXIT_CODES.map(([code, text]) => [String(code), text]),
    ),
    'An error is `error[CODE]: what happened` and, where there is one, `try: the next step`. With `-o json` it is `{"code", "msg", "details", "hint"}` on one line of stderr.',
    '## Environment',
    tableOf(
      ['Variable', 'Meaning'],
      VARIABLES.map(([name, text]) => [code(name), text]),
    ),
    ...commands.flatMap(commandPart),
    '## Rows',
    'The keys of JSON and YAML. In tables those marked *wide* need `-o wide`.',
    ...[...usedSchemas(commands)].flatMap(schemaPart),
    '',
  ].join('\n\n');
}

function usedSchemas(commands: readonly Command[]): Set<Schema> {
  const schemas = allSchemas();
  const names = commands.flatMap((command) => command.schemas);
  return new Set(names.map((name) => schemas.get(name)).filter((schema) => schema !== undefined));
}

function commandPart(command: Command): string[] {
  return [
    `## dpctl ${command.path}`,
    `${sentence(command.summary)} ${(command.description ?? []).join(' ')}`.trim(),
    ['```', ...command.examples.map(exampleLine), '```'].join('\n'),
    `Usage: \`${synopsis(command)}\``,
    ...(command.args.length === 0
      ? []
      : [
          tableOf(
            ['Argument', 'Meaning'],
            command.args.map((argument) => [code(argument.name), argumentText(argument)]),
          ),
        ]),
    ...(command.flags.length === 0 ? [] : [flagTable(command.path, command.flags)]),
    ...(command.schemas.length === 0
      ? []
      : [`Rows: ${command.schemas.map((name) => `[${name}](#rows-${anchor(name)})`).join(', ')}`]),
  ];
}

function exampleLine({ line, text }: Command['examples'][number]): string {
  return text === '' ? line : `# ${text}\n${line}`;
}

function schemaPart(schema: Schema): string[] {
  return [
    `### Rows: ${schema.name}`,
    tableOf(
      ['Key', 'Type', 'Meaning'],
      schema.columns.map((column) => [
        code(jsonKey(column)),
        `${column.type}${column.wide ? ', *wide*' : ''}`,
        column.doc,
      ]),
    ),
  ];
}

function flagTable(path: string, flags: readonly Flag[]): string {
  return tableOf(
    ['Flag', 'Variable', 'Meaning'],
    flags.map((flag) => [code(flagForm(flag)), code(envName(path, flag)), flagText(flag)]),
  );
}

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (text: string): string => `\`${text}\``;
const anchor = (text: string): string => text.replaceAll(' ', '-').toLowerCase();
const link = (path: string): string => `[${path}](#dpctl-${anchor(path)})`;
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
