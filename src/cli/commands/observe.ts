import { DUMP_TABLES } from '../../api/dump.js';
import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const DUMP = {
  path: 'dump',
  summary: "print a table as it is in the kernel's maps",
  description: [
    'What is printed is what the datapath goes by, not what was asked for. Without a table, the MAC table (fdb).',
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
      summary: 'what to print; fdb when left out',
      optional: true,
      choices: DUMP_TABLES,
    },
  ],
  flags: [],
  schemas: DUMP_TABLES.map((table) => `dump ${table}`),
} as const satisfies Command;

export const STATUS = {
  path: 'status',
  summary: 'compare what was asked for with what the kernel has',
  description: [
    'Exit code 4 when something is wrong; each problem comes with the command that mends it.',
    'As JSON or YAML it is one object: healthy (true or false), problems and facts (arrays of the rows below).',
    'With --features, exit code 4 when this kernel lacks what dpctl cannot do without. Features are found out by trying them, not from the version.',
  ],
  examples: [
    { line: 'dpctl status', text: '' },
    { line: 'dpctl status -o name', text: 'the codes of the problems only' },
    { line: 'dpctl status --features', text: 'what of its kernel dpctl uses here' },
  ],
  args: [],
  flags: [
    {
      name: 'features',
      type: 'boolean',
      summary: 'list what dpctl uses of a kernel, and what it does where this one lacks it',
    },
  ],
  schemas: ['problem', 'fact', 'feature'],
} as const satisfies Command;

export const RECONCILE = {
  path: 'reconcile',
  summary: 'make the kernel as it was asked to be',
  description: [
    'Finishes commands that were killed, makes again what was deleted by hand and removes what nobody asked for. With nothing to do it changes nothing.',
    'An endpoint that cannot be mended holds up no other: all else is done, and those that are left are listed with exit code 2.',
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
        "where the node's own network namespace was deleted, make everything in the caller's one",
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
    { line: 'dpctl reset --yes', text: 'without being asked' },
  ],
  args: [],
  flags: [
    {
      name: 'yes',
      short: 'y',
      type: 'boolean',
      summary: 'do not ask',
      common: true,
    },
    DRY_RUN,
  ],
  schemas: ['plan'],
  changes: true,
} as const satisfies Command;
