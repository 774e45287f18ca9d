import type { Command } from '../command-spec.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const COMPLETION = {
  path: 'completion',
  summary: 'print the completion script of a shell',
  description: [
    'The script asks dpctl itself, so it offers the namespaces, networks and endpoints that exist now and stays valid after an upgrade.',
  ],
  examples: [
    {
      line: 'dpctl completion bash > /etc/bash_completion.d/dpctl',
      text: 'permanently, for every new bash',
    },
    { line: 'source <(dpctl completion zsh)', text: 'for this zsh only' },
    { line: 'dpctl completion fish > ~/.config/fish/completions/dpctl.fish', text: 'for fish' },
  ],
  args: [{ name: 'SHELL', key: 'shell', summary: 'which shell', choices: SHELLS }],
  flags: [],
  schemas: [],
} as const satisfies Command;

export const VERSION = {
  path: 'version',
  summary: 'print the versions of dpctl, its libraries and the kernel',
  examples: [
    { line: 'dpctl version', text: '' },
    { line: 'dpctl version -j', text: 'for a bug report' },
  ],
  args: [],
  flags: [],
  schemas: ['version'],
} as const satisfies Command;

export const HELP = {
  path: 'help',
  summary: 'explain a command, as --help does',
  examples: [{ line: 'dpctl help attach', text: '' }],
  args: [
    {
      name: 'COMMAND',
      key: 'command',
      summary: 'which command',
      optional: true,
      completion: 'command',
    },
    { name: 'SUBCOMMAND', key: 'subcommand', summary: 'its second word', optional: true },
  ],
  flags: [],
  schemas: [],
} as const satisfies Command;
