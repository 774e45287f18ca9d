import type { Flag, FlagValues } from './command-spec.js';

/** The output formats of data. */
const OUTPUTS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Output = (typeof OUTPUTS)[number];

/** Flags that every command takes, before or after its name. */
export const GLOBAL_FLAGS = [
  {
    name: 'output',
    short: 'o',
    type: 'text',
    placeholder: 'FORM',
    choices: OUTPUTS,
    summary: 'output format on stdout',
    default: 'table',
    common: true,
  },
  { name: 'json', short: 'j', type: 'boolean', summary: 'the same as -o json', common: true },
  {
    name: 'root',
    type: 'text',
    placeholder: 'DIR',
    summary: 'keep all state below DIR, for a second node on one machine',
    default: '/',
    completion: 'directory',
  },
  {
    name: 'direct',
    type: 'boolean',
    summary: 'work in this process even if the node has an agent',
  },
  {
    name: 'color',
    type: 'text',
    placeholder: 'WHEN',
    choices: ['auto', 'always', 'never'],
    summary: 'when to use colour; auto: on a terminal, unless NO_COLOR is set',
    default: 'auto',
  },
] as const satisfies readonly Flag[];

export type GlobalValues = FlagValues<typeof GLOBAL_FLAGS>;

/** --dry-run, for every command that changes state. */
export const DRY_RUN = {
  name: 'dry-run',
  type: 'boolean',
  summary: 'print the plan and change nothing',
  common: true,
} as const satisfies Flag;
