import type { Command } from '../command-spec.js';

export const AGENT = {
  path: 'agent',
  summary: 'keep running, and repair the node after every change',
  description: [
    'Does what reconcile does after every event: a device, an address or a route of the node changes, or a command is killed; and at a regular interval. It removes endpoints of deleted containers at once. Forwarding does not depend on it: it can be started and stopped at any time.',
    'Each node has at most one agent; a second one exits with code 5. It runs in the foreground and writes its changes to stderr. SIGTERM and SIGINT stop it and leave everything as it is; SIGHUP starts a full look at once. Other commands work as they do without it.',
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
      summary: 'time between two full looks, plus or minus a quarter',
      default: '5m',
      common: true,
    },
    {
      name: 'log-level',
      type: 'text',
      placeholder: 'LEVEL',
      choices: ['debug', 'info', 'warn', 'error'],
      summary: 'lowest level to log',
      default: 'info',
      common: true,
    },
    {
      name: 'log-format',
      type: 'text',
      placeholder: 'FORMAT',
      choices: ['auto', 'json', 'text'],
      summary: 'one JSON object per line, or text; auto is text on a terminal',
      default: 'auto',
    },
  ],
  schemas: [],
  stays: true,
} as const satisfies Command;
