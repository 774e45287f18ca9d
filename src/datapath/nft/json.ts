/**
 * Our nftables table in libnftables' JSON, both ways. Pure.
 *
 * Source: libnftables-json(5).
 */

import * as z from 'zod/mini';
import { AF, ipText, prefixBytes } from '../../linux/netlink/address-bytes.js';
import { type HostRule, hostRulesText } from '../../model/desired/host-rules.js';

/** Family of dpctl's own tables; nothing outside of them is ever changed. */
export const FAMILY = 'inet';
const CHAIN = 'postrouting';
/** Chains of the rules that do not masquerade; they run after all others. */
const HOST_CHAINS: Readonly<Record<HostRule['chain'], { hook: string; prio: number }>> = {
  forward: { hook: 'forward', prio: 300 },
  input: { hook: 'input', prio: 300 },
  apart: { hook: 'postrouting', prio: 1000 },
};
const COMMENT = 'network ';

/** Traffic of a network that leaves through the host takes the host's address. */
export interface MasqueradeRule {
  /** Name of the network, kept in the rule's comment. */
  readonly network: string;
  /** ADDRESS/LENGTH, IPv4 or IPv6; bits past the length are ignored. */
  readonly subnet: string;
  /** The network's gateway device: traffic that leaves through it is not translated. */
  readonly exceptIfname: string;
}

/** A rule as found in the kernel. */
export interface MasqueradeRuleState extends MasqueradeRule {
  /** First packets of connections that were masqueraded, since the rule was made. */
  readonly packets: number;
  readonly bytes: number;
  /** Number with which it can be deleted. */
  readonly handle: number;
}

/** What the kernel has in our table. */
export interface TableState {
  readonly present: boolean;
  /** The chains are as dpctl makes them, and each masquerading rule is one of ours. */
  readonly intact: boolean;
  /** The chain for masquerading exists. */
  readonly translates: boolean;
  readonly rules: readonly MasqueradeRuleState[];
  /** The other rules ({@link hostRulesText}). */
  readonly host: string;
}

/** Everything that our table must hold. */
export interface Wanted {
  readonly masquerades: readonly MasqueradeRule[];
  readonly host: readonly HostRule[];
}

const chainSchema = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  type: z.optional(z.string()),
  hook: z.optional(z.string()),
  prio: z.optional(z.number()),
  policy: z.optional(z.string()),
});

const ruleSchema = z.object({
  chain: z.string(),
  handle: z.number(),
  comment: z.optional(z.string()),
  expr: z.array(z.record(z.string(), z.unknown())),
});

/** nft's listing, as far as it is used. */
export const listingSchema = z.object({
  nftables: z.array(
    z.object({
      table: z.optional(z.unknown()),
      chain: z.optional(chainSchema),
      rule: z.optional(ruleSchema),
      set: z.optional(z.unknown()),
      map: z.optional(z.unknown()),
    }),
  ),
});

const ownExpression = z.tuple([
  z.object({
    match: z.object({
      op: z.literal('=='),
      left: z.object({
        payload: z.object({ protocol: z.enum(['ip', 'ip6']), field: z.literal('saddr') }),
      }),
      // A prefix of full length is listed as a bare address.
      right: z.union([
        z.string(),
        z.object({ prefix: z.object({ addr: z.string(), len: z.number() }) }),
      ]),
    }),
  }),
  z.object({
    match: z.object({
      op: z.literal('!='),
      left: z.object({ meta: z.object({ key: z.literal('oifname') }) }),
      right: z.string(),
    }),
  }),
  z.object({ counter: z.object({ packets: z.number(), bytes: z.number() }) }),
  z.object({ masquerade: z.unknown() }),
]);

/** Commands that rebuild the table with these rules, in one transaction. */
export function rebuildCommands(name: string, { masquerades, host }: Wanted): object[] {
  const table = { table: { family: FAMILY, name } };
  const chain = (own: string, type: string, hook: string, prio: number): object => ({
    add: { chain: { family: FAMILY, table: name, name: own, type, hook, prio, policy: 'accept' } },
  });
  // Address translation costs every packet of the host: add the chain only if something is masqueraded.
  const nat = masquerades.length > 0 ? [chain(CHAIN, 'nat', 'postrouting', 100)] : [];
  const chains = [...new Set(host.map((rule) => rule.chain))];
  // Deleting a missing table is an error, adding an existing one is not: so add first.
  return [
    { add: table },
    { delete: table },
    { add: table },
    ...nat,
    ...chains.map((own) => chain(own, 'filter', HOST_CHAINS[own].hook, HOST_CHAINS[own].prio)),
    ...masquerades.map((rule) => addCommand(name, rule)),
    ...host.map((rule) => ({ add: { rule: { family: FAMILY, table: name, ...rule } } })),
  ];
}

/** Command that adds one rule to the chain. */
export function addCommand(table: string, rule: MasqueradeRule): object {
  const { family, bytes, prefixLength } = prefixBytes(canonicalPrefix(rule.subnet));
  const full = prefixLength === bytes.length * 8;
  const addr = ipText(bytes);
  const protocol = family === AF.INET ? 'ip' : 'ip6';
  return {
    add: {
      rule: {
        family: FAMILY,
        table,
        chain: CHAIN,
        comment: COMMENT + rule.network,
        expr: [
          {
            match: {
              op: '==',
              left: { payload: { protocol, field: 'saddr' } },
              right: full ? addr : { prefix: { addr, len: prefixLength } },
            },
          },
          { match: { op: '!=', left: { meta: { key: 'oifname' } }, right: rule.exceptIfname } },
          { counter: { packets: 0, bytes: 0 } },
          { masquerade: null },
        ],
      },
    },
  };
}

/** Command that deletes the rule with this handle. */
export function deleteCommand(
  table: string,
  { handle }: Pick<MasqueradeRuleState, 'handle'>,
): object {
  return { delete: { rule: { family: FAMILY, table, chain: CHAIN, handle } } };
}

/**
 * Decode our table from `nft -j list table`. Throws (SyntaxError, ZodError) for text that is no such listing.
 */
export function decodeTable(json: string): TableState {
  const { nftables } = listingSchema.parse(JSON.parse(json));
  const chains = nftables.flatMap(({ chain }) => chain ?? []);
  const found = nftables.flatMap(({ rule }) => rule ?? []);
  const masquerading = found.filter(({ chain }) => chain === CHAIN);
  const rules = masquerading.flatMap((rule) => decodeRule(rule) ?? []);
  const host = found.filter(({ chain }) => chain !== CHAIN);
  return {
    present: nftables.some(({ table }) => table !== undefined),
    intact:
      chains.every(isOurs) &&
      // dpctl makes no chain without rules.
      chains.every(({ name }) => name === CHAIN || host.some(({ chain }) => chain === name)) &&
      rules.length === masquerading.length &&
      nftables.every(({ set, map }) => set === undefined && map === undefined),
    translates: chains.some(({ name }) => name === CHAIN),
    rules,
    host: hostRulesText(host),
  };
}

function isOurs({ name, type, hook, prio, policy }: z.infer<typeof chainSchema>): boolean {
  const known = name === CHAIN ? { hook: 'postrouting', prio: 100 } : hostChain(name);
  return (
    known !== undefined &&
    type === (name === CHAIN ? 'nat' : 'filter') &&
    hook === known.hook &&
    prio === known.prio &&
    policy === 'accept'
  );
}

function hostChain(name: string): { hook: string; prio: number } | undefined {
  return Object.entries(HOST_CHAINS).find(([own]) => own === name)?.[1];
}

/** Key by which two rules are the same. */
export function ruleKey(rule: MasqueradeRule): string {
  return [rule.network, canonicalPrefix(rule.subnet), rule.exceptIfname].join(' ');
}

function decodeRule(rule: z.infer<typeof ruleSchema>): MasqueradeRuleState | undefined {
  const expression = ownExpression.safeParse(rule.expr);
  if (!expression.success || !rule.comment?.startsWith(COMMENT)) return undefined;
  const [source, device, { counter }] = expression.data;
  const { left, right } = source.match;
  const full = left.payload.protocol === 'ip' ? 32 : 128;
  const subnet =
    typeof right === 'string' ? `${right}/${full}` : `${right.prefix.addr}/${right.prefix.len}`;
  return {
    network: rule.comment.slice(COMMENT.length),
    subnet: canonicalPrefix(subnet),
    exceptIfname: device.match.right,
    packets: counter.packets,
    bytes: counter.bytes,
    handle: rule.handle,
  };
}

/** The prefix with host bits zero and the address as ipText writes it. */
function canonicalPrefix(prefix: string): string {
  const { bytes, prefixLength } = prefixBytes(prefix);
  const masked = bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefixLength - index * 8));
    return byte & (0xff << (8 - kept));
  });
  return `${ipText(masked)}/${prefixLength}`;
}
