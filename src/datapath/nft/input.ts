/**
 * Whether a chain that drops by default lets datagrams in. What a whole firewall does cannot be decided from
 * outside: only rules that surely do not accept the datagrams are ruled out. Pure.
 *
 * Source: libnftables-json(5).
 */
import * as z from 'zod/mini';
import { listingSchema } from './json.js';

/** Unsolicited UDP datagrams to a port, received on a device. */
export interface Datagrams {
  readonly ifname: string;
  readonly port: number;
}

const matchSchema = z.object({
  match: z.object({
    op: z.string(),
    left: z.object({
      meta: z.optional(z.object({ key: z.string() })),
      ct: z.optional(z.object({ key: z.string() })),
      payload: z.optional(z.object({ protocol: z.string(), field: z.string() })),
    }),
    right: z.unknown(),
  }),
});

/**
 * Whether a rule of a listed chain may accept the datagrams.
 * @param json output of `nft -j list chain`
 */
export function mayAccept(json: string, what: Datagrams): boolean {
  return listingSchema
    .parse(JSON.parse(json))
    .nftables.some(
      ({ rule }) =>
        rule?.expr.some((part) => 'accept' in part || 'jump' in part || 'goto' in part) === true &&
        !rule.expr.some((part) => excludes(part, what)),
    );
}

function excludes(part: unknown, { ifname, port }: Datagrams): boolean {
  const found = matchSchema.safeParse(part);
  if (!found.success) return false;
  const { op, left, right } = found.data.match;
  if (op !== '==' && op !== 'in') return false;
  const among = (text: string): boolean => JSON.stringify(right).includes(text);
  if (left.ct?.key === 'state') return !among('new') && !among('untracked');
  if (left.meta?.key === 'iifname') return isName(right) && right !== ifname;
  if (left.meta?.key === 'l4proto' || left.payload?.field === 'protocol') {
    return isName(right) && right !== 'udp';
  }
  if (left.payload === undefined) return false;
  const { protocol, field } = left.payload;
  if (['tcp', 'icmp', 'icmpv6', 'sctp'].includes(protocol)) return true;
  return protocol === 'udp' && field === 'dport' && typeof right === 'number' && right !== port;
}

/** A single name, neither a pattern nor a set. */
function isName(right: unknown): right is string {
  return typeof right === 'string' && !/[*@]/.test(right);
}

/** Base chains of a hook, in a listing, that drop packets unless one of their rules accepts them. */
export function decodeDrops(json: string, hook: 'forward' | 'input'): ChainDrop[] {
  return listingSchema
    .parse(JSON.parse(json))
    .nftables.flatMap(({ chain }) => chain ?? [])
    .filter((chain) => chain.hook === hook && chain.policy === 'drop')
    .map(({ family, table, name }) => ({ family, table, chain: name }));
}

/**
 * Whether a rule of a listed chain accepts what comes from gateways' devices. What a whole firewall does
 * cannot be decided from outside, but a rule that names these devices was written for them.
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
