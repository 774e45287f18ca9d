import { DUMP_TABLES } from '../../api/dump.js';
import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const DUMP = {
  path: 'dump',
  summary: "print a table as it is in the kernel's maps",
  description: [
    'Shows what the datapath uses, not what was requested. The default is the MAC table (fdb).',
  ],
  examples: [
    { line: 'dpctl dump', text: 'the MAC table' },
    { line: 'dpctl dump stats', text: 'counters of endpoints, and of each reason for a drop' },
    { line: 'dpctl dump fdb -j | jq length', text: 'for scripts' },
  ],
  args: [
    {
      name: 'TABLE',
      key: 'table',
      summary: 'table to print; the default is fdb',
      optional: true,
      choices: DUMP_TABLES,
    },
  ],
  flags: [],
  schemas: DUMP_TABLES.map((table) => `dump ${table}`),
} as const satisfies Command;

export const STATUS = {
  path: 'status',
  summary: 'compare the desired state with the kernel',
  description: [
    'The exit code is 4 when something is wrong. Each problem comes with the command that fixes it.',
    'As JSON or YAML it is one object: healthy (true or false), problems and facts (arrays of the rows below).',
    'With --features, the exit code is 4 when this kernel lacks a feature that dpctl requires. Features are probed, not derived from the version.',
  ],
  examples: [
    { line: 'dpctl status', text: '' },
    { line: 'dpctl status -o name', text: 'the codes of the problems only' },
    { line: 'dpctl status --features', text: 'kernel features that dpctl uses here' },
  ],
  args: [],
  flags: [
    {
      name: 'features',
      type: 'boolean',
      summary: 'list the kernel features that dpctl uses, and what it does without them',
    },
  ],
  schemas: ['problem', 'fact', 'feature'],
} as const satisfies Command;

export const RECONCILE = {
  path: 'reconcile',
  summary: 'bring the kernel to the desired state',
  description: [
    'Finishes commands that were killed, restores what was deleted by hand and removes orphans. If all is well, it changes nothing.',
    'An endpoint that cannot be repaired does not hold up the others: dpctl lists it at the end, with exit code 2.',
  ],
  examples: [
    { line: 'dpctl reconcile', text: '' },
    { line: 'dpctl reconcile --dry-run', text: 'what it would do' },
  ],
  args: [],
  flags: [
    DRY_RUN,
    {
      name: 'adopt',
      type: 'boolean',
      summary:
        "if the node's own network namespace was deleted, rebuild everything in the caller's",
    },
  ],
  schemas: ['plan'],
  changes: true,
} as const satisfies Command;

export const RESET = {
  path: 'reset',
  summary: 'remove every trace of dpctl from this node',
  description: [
    'Endpoints, networks, tables, programs, rules, mounts and files; sysctls get their former values back. The list is printed first. Without a terminal it needs --yes.',
  ],
  examples: [
    { line: 'dpctl reset --dry-run', text: 'what it would remove' },
    { line: 'dpctl reset --yes', text: 'without confirmation' },
  ],
  args: [],
  flags: [
    {
      name: 'yes',
      short: 'y',
      type: 'boolean',
      summary: 'skip the confirmation',
      common: true,
    },
    DRY_RUN,
  ],
  schemas: ['plan'],
  changes: true,
} as const satisfies Command;
