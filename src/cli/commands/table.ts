/**
 * The table of commands, in the order of help. Everything that knows commands is made from it:
 * the parser, help, completion, the man page and docs/cli.md.
 */

import type { Command } from '../command-spec.js';
import { AGENT } from './agent.js';
import { BENCH } from './bench.js';
import { CLUSTER_JOIN, CLUSTER_LEAVE, CLUSTER_STATUS } from './cluster.js';
import { ATTACH, DETACH, ENDPOINTS } from './endpoint.js';
import { FDB_ADD, FDB_DEL, FDB_FLUSH } from './fdb.js';
import { LAB_DOWN, LAB_EXEC, LAB_LIST, LAB_UP } from './lab.js';
import { COMPLETION, HELP, VERSION } from './meta.js';
import { NETWORK_ADD, NETWORK_DEL, NETWORK_LIST } from './network.js';
import { NODE_ADD, NODE_DEL, NODE_LIST } from './node.js';
import { DUMP, RECONCILE, RESET, STATUS } from './observe.js';
import { UNDERLAY_DEL, UNDERLAY_SET, UNDERLAY_SHOW } from './underlay.js';

export const COMMANDS: readonly Command[] = [
  ATTACH,
  DETACH,
  ENDPOINTS,
  NETWORK_ADD,
  NETWORK_DEL,
  NETWORK_LIST,
  UNDERLAY_SET,
  UNDERLAY_DEL,
  UNDERLAY_SHOW,
  NODE_ADD,
  NODE_DEL,
  NODE_LIST,
  CLUSTER_JOIN,
  CLUSTER_LEAVE,
  CLUSTER_STATUS,
  DUMP,
  STATUS,
  FDB_ADD,
  FDB_DEL,
  FDB_FLUSH,
  RECONCILE,
  AGENT,
  RESET,
  LAB_UP,
  LAB_DOWN,
  LAB_LIST,
  LAB_EXEC,
  BENCH,
  COMPLETION,
  VERSION,
  HELP,
];

/** What the first words of two-word commands have in common. */
export const GROUPS: Readonly<Record<string, string>> = {
  network: 'make, delete and list networks',
  underlay: 'choose the device that leads to other nodes',
  node: 'make other nodes known',
  cluster: 'share networks and addresses with other nodes, through etcd',
  fdb: 'change the MAC table by hand',
  lab: 'try several nodes on one machine',
};

/** Examples of `dpctl --help`. */
export const TOUR: readonly string[] = [
  'dpctl attach ns1 --create',
  'dpctl attach ns2 --create',
  'ip netns exec ns1 ping 10.201.0.3',
  'dpctl dump',
];

/** Exit codes and their meaning. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [0, 'done, or nothing to do'],
  [1, 'wrong usage or a bad value'],
  [2, 'the kernel refused'],
  [3, 'a named thing does not exist'],
  [4, 'problems were found'],
  [5, 'the store or the agent is not available; try again'],
  [70, 'a bug of dpctl'],
  [130, 'interrupted'],
];

/** Variables that are no flag's: name and meaning. */
export const VARIABLES: readonly (readonly [string, string])[] = [
  ['NO_COLOR', 'any value: no colour where --color is not given'],
  ['DPCTL_DEBUG', '1: errors come with the stack trace'],
  ['DPCTL_FFI', 'koffi or ffi-napi: how native code is called'],
  ['DPCTL_TC', 'auto or clsact: how programs are attached; auto takes tcx where the kernel has it'],
  ['DPCTL_LIBBPF', 'path of the libbpf to load'],
  ['DPCTL_CLUSTER_PASSWORD', 'password of the user of etcd, for `dpctl cluster join`'],
  ['DPCTL_LOCK_TIMEOUT', 'milliseconds to wait for another dpctl; 10000 when not set'],
  ['DPCTL_AGENT_TIMEOUT', 'milliseconds to wait for a silent agent; 10000 if not set'],
];

/** The command with these words. */
export function commandOf(path: string): Command | undefined {
  return COMMANDS.find((command) => command.path === path);
}

/** The commands that are shown to people. */
export function shownCommands(): Command[] {
  return COMMANDS.filter((command) => !command.hidden);
}

/** First words of all commands, without repetition, in the order of the table. */
export function verbs(): string[] {
  return [...new Set(shownCommands().map((command) => command.path.split(' ')[0] ?? ''))];
}

/** Second words after a first one; empty for a command of one word. */
export function subverbs(verb: string): string[] {
  return shownCommands()
    .filter((command) => command.path.startsWith(`${verb} `))
    .map((command) => command.path.slice(verb.length + 1));
}
