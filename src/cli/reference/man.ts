/** docs/dpctl.8, the man page, from the table of commands; macros of man(7). */

import type { Command, Flag } from '../command-spec.js';
import { EXIT_CODES, shownCommands, TOUR, VARIABLES } from '../commands/table.js';
import { GLOBAL_FLAGS } from '../global-flags.js';
import { argumentText, flagForm, flagText, synopsis } from '../help.js';
import { VERSION } from '../version.js';

/** The whole of docs/dpctl.8. */
export function manPage(): string {
  return [
    '.\\" Made from src/cli/commands/table.ts by `make docs`; edits here are lost.',
    `.TH DPCTL 8 "" "dpctl ${VERSION}" "System Administration"`,
    '.SH NAME',
    'dpctl \\- connect network namespaces with a switch in eBPF',
    '.SH SYNOPSIS',
    '.B dpctl',
    '.I COMMAND',
    '[\\fIARGUMENTS\\fR] [\\fIFLAGS\\fR]',
    '.SH DESCRIPTION',
    'dpctl attaches network namespaces to networks of layer 2 whose frames are switched by eBPF programs, with no Linux bridge.',
    'Data goes to stdout and messages to stderr; a command that fails leaves stdout empty.',
    'Every command that changes something may be repeated.',
    '.SH EXAMPLES',
    ...literal(TOUR),
    '.SH COMMANDS',
    ...shownCommands().flatMap(commandPart),
    '.SH FLAGS OF EVERY COMMAND',
    ...GLOBAL_FLAGS.flatMap(flagPart),
    ...tagged('\\-h, \\-\\-help', 'Explain the command.'),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(([code, text]) => tagged(String(code), sentence(text))),
    '.SH ENVIRONMENT',
    'Each flag can be given by a variable whose name is DPCTL, the words of the command and the flag, such as DPCTL_NETWORK_ADD_SUBNET; a flag beats its variable.',
    ...VARIABLES.flatMap(([name, text]) => tagged(roff(name), sentence(text))),
    '.SH FILES',
    ...tagged('/run/dpctl', 'Endpoints, pinned tables and programs; gone after a boot.'),
    ...tagged('/var/lib/dpctl', 'Networks.'),
    '.SH SEE ALSO',
    '.BR ip\\-netns (8),',
    '.BR bridge (8),',
    '.BR bpftool (8)',
    '',
  ].join('\n');
}

function commandPart(command: Command): string[] {
  return [
    `.SS ${roff(synopsis(command))}`,
    roff(sentence(command.summary)),
    ...(command.description ?? []).flatMap((text) => ['.PP', roff(text)]),
    ...(command.examples.length === 0 ? [] : ['.PP', 'Examples:']),
    ...literal(command.examples.map(({ line }) => line)),
    ...command.args.flatMap((argument) =>
      tagged(`\\fI${roff(argument.name)}\\fR`, sentence(argumentText(argument))),
    ),
    ...command.flags.flatMap(flagPart),
  ];
}

function flagPart(flag: Flag): string[] {
  return tagged(`\\fB${roff(flagForm(flag))}\\fR`, sentence(flagText(flag)));
}

/** A paragraph with a tag; the tag is already roff, the text is not. */
function tagged(tag: string, text: string): string[] {
  return ['.TP', tag, roff(text)];
}

function literal(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['.PP', '.RS 4', '.nf', ...lines.map(roff), '.fi', '.RE'];
}

/** Text as roff: no line starts a request, and dashes do not become hyphens. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replace(/^\./, '\\&.');
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
