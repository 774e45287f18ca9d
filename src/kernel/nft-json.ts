/**
 * Our nftables table in libnftables' JSON, both ways. Pure.
 *
 * Source: libnftables-json(5).
 */

import * as z from 'zod/mini';
import { AF, ipText, prefixBytes } from './netlink/address.js';

/** Family and name of the table that is dpctl's own; nothing outside of it is ever changed. */
export const TABLE = { family: 'inet', table: 'dpctl' } as const;
const CHAIN = 'postrouting';
const COMMENT = 'network ';

/** Traffic of one network that leaves through the host takes the host's address. */
export interface MasqueradeRule {
  /** Name of the network, kept in the rule's comment. */
  readonly network: string;
  /** ADDRESS/LENGTH, IPv4 or IPv6; bits past the length are ignored. */
  readonly subnet: string;
  /** The network's gateway device: what leaves through it stays as it is. */
  readonly exceptIfname: string;
}

/** A rule as found in the kernel. */
export interface MasqueradeRuleState extends MasqueradeRule {
  /** First packets of connections that were masqueraded, since the rule was made. */
  readonly packets: number;
  readonly bytes: number;
  /** Number by which it can be deleted. */
  readonly handle: number;
}

/** What the kernel holds of our table. */
export interface TableState {
  readonly present: boolean;
  /** The chain is there as we make it, and each rule is one of ours. */
  readonly intact: boolean;
  readonly rules: readonly MasqueradeRuleState[];
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

/** What nft lists, as far as it is looked at. */
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

/** Commands that make the table anew with these rules, in one transaction. */
export function rebuildCommands(rules: readonly MasqueradeRule[]): object[] {
  const table = { table: { family: TABLE.family, name: TABLE.table } };
  const chain = {
    chain: {
      ...TABLE,
      name: CHAIN,
      type: 'nat',
      hook: 'postrouting',
      prio: 100,
      policy: 'accept',
    },
  };
  // Adding what is there is no error, deleting what is not there is: so add first.
  return [
    { add: table },
    { delete: table },
    { add: table },
    { add: chain },
    ...rules.map(addCommand),
  ];
}

/** Command that adds one rule to the chain. */
export function addCommand(rule: MasqueradeRule): object {
  const { family, bytes, prefixLength } = prefixBytes(canonicalPrefix(rule.subnet));
  const full = prefixLength === bytes.length * 8;
  const addr = ipText(bytes);
  const protocol = family === AF.INET ? 'ip' : 'ip6';
  return {
    add: {
      rule: {
        ...TABLE,
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
export function deleteCommand(rule: Pick<MasqueradeRuleState, 'handle'>): object {
  return { delete: { rule: { ...TABLE, chain: CHAIN, handle: rule.handle } } };
}

/** What `nft -j list table` says of our table. Throws (SyntaxError, ZodError) for text that is no such listing. */
export function decodeTable(json: string): TableState {
  const { nftables } = listingSchema.parse(JSON.parse(json));
  const chains = nftables.flatMap(({ chain }) => chain ?? []);
  const found = nftables.flatMap(({ rule }) => rule ?? []);
  const rules = found.flatMap((rule) => decodeRule(rule) ?? []);
  const [chain] = chains;
  return {
    present: nftables.some(({ table }) => table !== undefined),
    intact:
      chains.length === 1 &&
      chain?.name === CHAIN &&
      chain.type === 'nat' &&
      chain.hook === 'postrouting' &&
      chain.prio === 100 &&
      chain.policy === 'accept' &&
      rules.length === found.length &&
      nftables.every(({ set, map }) => set === undefined && map === undefined),
    rules,
  };
}

/** Base chains of a hook in a listing of chains that drop packets unless a rule of theirs accepts them. */
export function decodeDrops(json: string, hook: 'forward' | 'input'): ChainDrop[] {
  return listingSchema
    .parse(JSON.parse(json))
    .nftables.flatMap(({ chain }) => chain ?? [])
    .filter((chain) => chain.hook === hook && chain.policy === 'drop')
    .map(({ family, table, name }) => ({ family, table, chain: name }));
}

/**
 * Whether a rule of a listed chain accepts what comes from gateways' devices. Nobody can tell from
 * outside what a whole firewall does, but one that names them was written with them in mind.
 * @param json output of `nft -j list chain`
 */
export function acceptsFrom(json: string, ifnamePrefix: string): boolean {
  return listingSchema.parse(JSON.parse(json)).nftables.some(
    ({ rule }) =>
      rule?.expr.some((part) => 'accept' in part) === true &&
      rule.expr.some((part) => {
        const match = inputMatch.safeParse(part);
        return match.success && match.data.match.right.startsWith(ifnamePrefix);
      }),
  );
}

const inputMatch = z.object({
  match: z.object({
    op: z.literal('=='),
    left: z.object({ meta: z.object({ key: z.literal('iifname') }) }),
    right: z.string(),
  }),
});

/** A base chain whose policy is drop. */
export interface ChainDrop {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
}

/** What makes two rules the same one. */
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
