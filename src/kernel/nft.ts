/**
 * Masquerading for gateways, in a table of dpctl's own: `inet dpctl`, through the nft program.
 *
 * There is no forward chain: a packet passes only if every table accepts it, so an accept of ours
 * could not undo the drop of another (Docker's, a firewall's). nftForwardDrops names those instead.
 */

import { DpctlError } from '../../loader/errors.js';
import { runCommand, withAnonymousFile } from './command.js';
import { type Datagrams, mayAccept } from './nft-input.js';
import {
  acceptsFrom,
  addCommand,
  type ChainDrop,
  decodeDrops,
  decodeTable,
  deleteCommand,
  type MasqueradeRule,
  type MasqueradeRuleState,
  rebuildCommands,
  ruleKey,
  TABLE,
  type TableState,
} from './nft-json.js';

export type { ChainDrop, MasqueradeRule, MasqueradeRuleState } from './nft-json.js';

const ABSENT: TableState = { present: false, intact: false, rules: [] };

/**
 * Makes the table hold exactly these rules, in one transaction; without rules there is no table. Rules
 * that stay keep their counters. `nsPath` is a path that opens the node's namespace (withNetnsPath for an
 * open one), undefined the one that this process is in. Returns whether anything was changed. Throws
 * COMMAND_MISSING, NFT_FAILED (exit 2), BAD_ADDRESS (exit 1).
 */
export async function nftApply(
  nsPath: string | undefined,
  desired: readonly MasqueradeRule[],
): Promise<boolean> {
  if (desired.length === 0) return nftDelete(nsPath);
  const commands = changes(await readTable(nsPath), desired);
  if (commands.length === 0) return false;
  await withAnonymousFile(JSON.stringify({ nftables: commands }), (path) =>
    nft(nsPath, ['-j', '-f', path]),
  );
  return true;
}

/**
 * The rules in the table with their counters, in the order of the chain; empty without a table. A rule
 * that somebody else put in is not shown (nftApply removes it). Throws COMMAND_MISSING, NFT_FAILED.
 */
export async function nftRead(nsPath: string | undefined): Promise<readonly MasqueradeRuleState[]> {
  return (await readTable(nsPath)).rules;
}

/** Deletes the table. Returns false when there is none. Throws COMMAND_MISSING, NFT_FAILED (exit 2). */
export async function nftDelete(nsPath: string | undefined): Promise<boolean> {
  const { present } = await readTable(nsPath);
  if (present) await nft(nsPath, ['delete', 'table', TABLE.family, TABLE.table]);
  return present;
}

/**
 * Chains of others that drop forwarded packets by default and have no rule that accepts what comes
 * from devices whose names begin with `ifnamePrefix`, and so may cut a gateway off. iptables' own (nft
 * variant) are among them. Throws COMMAND_MISSING, NFT_FAILED.
 */
export async function nftForwardDrops(
  nsPath: string | undefined,
  ifnamePrefix: string,
): Promise<ChainDrop[]> {
  return dropping(nsPath, 'forward', (json) => acceptsFrom(json, ifnamePrefix));
}

/**
 * Chains that drop what comes to this host by default and surely have no rule that accepts these
 * datagrams. Throws COMMAND_MISSING, NFT_FAILED.
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

/** What turns the table found into the one wanted; nothing when it is that already. */
function changes(found: TableState, desired: readonly MasqueradeRule[]): object[] {
  const wanted = new Map(desired.map((rule) => [ruleKey(rule), rule]));
  if (!found.intact) return rebuildCommands([...wanted.values()]);
  const commands: object[] = [];
  for (const rule of found.rules) {
    // A second rule with the same key goes, too.
    if (!wanted.delete(ruleKey(rule))) commands.push(deleteCommand(rule));
  }
  return [...[...wanted.values()].map(addCommand), ...commands];
}

async function readTable(nsPath: string | undefined): Promise<TableState> {
  try {
    return decodeTable(await nft(nsPath, ['-j', 'list', 'table', TABLE.family, TABLE.table]));
  } catch (error) {
    if (isAbsent(error)) return ABSENT;
    throw error;
  }
}

/**
 * Whether an error says that there is no nft program: then none of our rules can be there either, and
 * a node that masquerades nothing does not need it.
 */
export function isNftMissing(error: unknown): boolean {
  return error instanceof DpctlError && error.code === 'COMMAND_MISSING';
}

function isAbsent(error: unknown): boolean {
  return (
    error instanceof DpctlError &&
    error.code === 'NFT_FAILED' &&
    // From nft itself: nsenter says the same of a namespace that is gone.
    /^Error: No such file or directory/m.test(String(error.details.stderr))
  );
}

function nft(nsPath: string | undefined, args: string[]): Promise<string> {
  const options = {
    code: 'NFT_FAILED',
    hint: 'see whether `nft list tables` works as root',
  };
  if (nsPath === undefined) return runCommand(['nft', ...args], options);
  return runCommand(['nsenter', `--net=${nsPath}`, '--', 'nft', ...args], options);
}
