import type { Command } from '../command-spec.js';

export const AGENT = {
  path: 'agent',
  summary: 'stay, and mend the node whenever something happens to it',
  description: [
    'Does what reconcile does, again and again: when a device, an address or a route of the node changes, when a command was killed, and once in a while in any case. Endpoints of containers that are gone are cleared away at once. Forwarding does not depend on it, before, while or after it runs.',
    'One runs for a node (exit code 5 for another one). It stays in the foreground and writes to stderr what it changes. SIGTERM and SIGINT end it and leave everything as it is; SIGHUP makes it look at all now. Other commands work beside it as they do without it.',
  ],
  examples: [
    { line: 'dpctl agent', text: 'in a terminal; Ctrl-C ends it' },
    { line: 'dpctl agent --interval 1h --log-format json', text: '' },
  ],
  args: [],
  flags: [
    {
      name: 'interval',
      type: 'seconds',
      placeholder: 'TIME',
      summary: 'time between two looks at all of the node, give or take a quarter',
      default: '5m',
      common: true,
    },
    {
      name: 'log-level',
      type: 'text',
      placeholder: 'LEVEL',
      choices: ['debug', 'info', 'warn', 'error'],
      summary: 'the least that is worth a line',
      default: 'info',
      common: true,
    },
    {
      name: 'log-format',
      type: 'text',
      placeholder: 'FORMAT',
      choices: ['auto', 'json', 'text'],
      summary: 'an object a line, or text; auto is text on a terminal',
      default: 'auto',
    },
  ],
  schemas: [],
  stays: true,
} as const satisfies Command;
