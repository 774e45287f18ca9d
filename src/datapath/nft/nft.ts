/**
 * The rules that gateways need in the host's firewall, in one table for each root, through the nft program.
 *
 * No rule accepts packets: a packet passes only if every table accepts it, so an accept of ours could not
 * undo the drop of another table (Docker's, a firewall's). nftForwardDrops names those instead.
 */

import { DpctlError } from '../../../loader/errors.js';
import { advice, exec } from '../../../loader/hint.js';
import { runCommand, withAnonymousFile } from '../../linux/command.js';
import { hostRulesText } from '../../model/desired/host-rules.js';
import { acceptsFrom, type ChainDrop, type Datagrams, decodeDrops, mayAccept } from './input.js';
import {
  addCommand,
  decodeTable,
  deleteCommand,
  FAMILY,
  type MasqueradeRuleState,
  rebuildCommands,
  ruleKey,
  type TableState,
  type Wanted,
} from './json.js';

export type { ChainDrop } from './input.js';
export type { MasqueradeRule, MasqueradeRuleState } from './json.js';

const ABSENT: TableState = {
  present: false,
  intact: false,
  translates: false,
  rules: [],
  host: hostRulesText([]),
};
/** Marks a table that another program has changed. */
const DAMAGED = 'damaged';

/**
 * Make a table hold exactly these rules, in one transaction; without rules there is no table. Masquerading
 * rules that stay keep their counters. `nsPath` is a path that opens the node's namespace (netnsPathOf for an
 * open one); undefined means the namespace of this process. Returns whether anything was changed. Throws
 * COMMAND_MISSING, NFT_FAILED (exit 2), ADDRESS_INVALID or PREFIX_INVALID (exit 1).
 */
export async function nftApply(
  nsPath: string | undefined,
  table: string,
  desired: Wanted,
): Promise<boolean> {
  if (desired.masquerades.length + desired.host.length === 0) return nftDelete(nsPath, table);
  const commands = changes(table, await readTable(nsPath, table), desired);
  if (commands.length === 0) return false;
  await withAnonymousFile(JSON.stringify({ nftables: commands }), (path) =>
    nft(nsPath, ['-j', '-f', path]),
  );
  return true;
}

/** What a table holds. */
export interface TableContent {
  /** With their counters, in the order of the chain. */
  readonly masquerades: readonly MasqueradeRuleState[];
  /** hostRulesText of the other rules; for a damaged table, a text that no rules have. */
  readonly host: string;
}

/**
 * The rules in a table; none if there is no table. A foreign rule among those that masquerade is not shown
 * (nftApply removes it). Throws COMMAND_MISSING, NFT_FAILED.
 */
export async function nftRead(nsPath: string | undefined, table: string): Promise<TableContent> {
  const { rules, host, intact, present } = await readTable(nsPath, table);
  return { masquerades: rules, host: present && !intact ? DAMAGED : host };
}

/** Delete a table. Returns false when there is none. Throws COMMAND_MISSING, NFT_FAILED (exit 2). */
export async function nftDelete(nsPath: string | undefined, table: string): Promise<boolean> {
  const { present } = await readTable(nsPath, table);
  if (present) await nft(nsPath, ['delete', 'table', FAMILY, table]);
  return present;
}

/**
 * Others' chains that drop forwarded packets by default and have no rule that accepts packets from devices
 * whose names begin with `ifnamePrefix`, and so may cut a gateway off. Includes iptables' own (nft variant).
 * Throws COMMAND_MISSING, NFT_FAILED.
 */
export async function nftForwardDrops(
  nsPath: string | undefined,
  ifnamePrefix: string,
): Promise<ChainDrop[]> {
  return dropping(nsPath, 'forward', (json) => acceptsFrom(json, ifnamePrefix));
}

/**
 * Chains that drop packets to this host by default and surely have no rule that accepts these datagrams.
 * Throws COMMAND_MISSING, NFT_FAILED.
 */
export async function nftInputDrops(
  nsPath: string | undefined,
  datagrams: Datagrams,
): Promise<ChainDrop[]> {
  return dropping(nsPath, 'input', (json) => mayAccept(json, datagrams));
}

async function dropping(
  nsPath: string | undefined,
  hook: 'forward' | 'input',
  accepts: (json: string) => boolean,
): Promise<ChainDrop[]> {
  const drops = decodeDrops(await nft(nsPath, ['-j', 'list', 'chains']), hook);
  const accepting = await Promise.all(
    drops.map(async ({ family, table, chain }) =>
      accepts(await nft(nsPath, ['-j', 'list', 'chain', family, table, chain])),
    ),
  );
  return drops.filter((_, index) => accepting[index] !== true);
}

/** Commands that turn the found table into the wanted one; none if it already is. */
function changes(table: string, found: TableState, desired: Wanted): object[] {
  const wanted = new Map(desired.masquerades.map((rule) => [ruleKey(rule), rule]));
  const same = found.host === hostRulesText(desired.host) && found.translates === wanted.size > 0;
  if (!found.intact || !same) {
    return rebuildCommands(table, { ...desired, masquerades: [...wanted.values()] });
  }
  const commands: object[] = [];
  for (const rule of found.rules) {
    // A second rule with the same key is deleted too.
    if (!wanted.delete(ruleKey(rule))) commands.push(deleteCommand(table, rule));
  }
  return [...[...wanted.values()].map((rule) => addCommand(table, rule)), ...commands];
}

async function readTable(nsPath: string | undefined, table: string): Promise<TableState> {
  try {
    return decodeTable(await nft(nsPath, ['-j', 'list', 'table', FAMILY, table]));
  } catch (error) {
    if (isAbsent(error)) return ABSENT;
    throw error;
  }
}

/**
 * Whether an error says that there is no nft program: then none of our rules can exist either, and a node
 * that masquerades nothing does not need it.
 */
export function isNftMissing(error: unknown): boolean {
  return error instanceof DpctlError && error.code === 'COMMAND_MISSING';
}

function isAbsent(error: unknown): boolean {
  return (
    error instanceof DpctlError &&
    error.code === 'NFT_FAILED' &&
    // Only nft's own message counts: nsenter prints the same for a namespace that is gone.
    /^Error: No such file or directory/m.test(String(error.details.stderr))
  );
}

function nft(nsPath: string | undefined, args: string[]): Promise<string> {
  const options = {
    code: 'NFT_FAILED',
    hint: advice`see whether \`${exec`nft list tables`}\` works as root`,
  };
  if (nsPath === undefined) return runCommand(['nft', ...args], options);
  return runCommand(['nsenter', `--net=${nsPath}`, '--', 'nft', ...args], options);
}
