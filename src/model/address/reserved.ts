/** Address blocks that no station on a segment can use. */
import { overlaps, type Prefix, parsePrefix } from './prefix.js';

const RESERVED: readonly { readonly block: Prefix; readonly why: string }[] = [
  { block: parsePrefix('0.0.0.0/8'), why: 'means "this network" (RFC 1122, 3.2.1.3)' },
  { block: parsePrefix('127.0.0.0/8'), why: 'is loopback' },
  { block: parsePrefix('224.0.0.0/4'), why: 'is multicast' },
  { block: parsePrefix('255.255.255.255/32'), why: 'is broadcast' },
  { block: parsePrefix('::/127'), why: 'is the unspecified and the loopback address' },
  // ::ffff:0:0/96, which the contract's keys use for IPv4; refused as text.
  { block: { family: 6, value: 0xffffn << 32n, length: 96 }, why: 'is IPv4 written as IPv6' },
  {
    block: parsePrefix('fe80::/10'),
    why: 'is link-local: each interface gets its own from the kernel',
  },
  { block: parsePrefix('ff00::/8'), why: 'is multicast' },
];

/**
 * Why stations cannot use a subnet, or an address as a prefix of full length.
 * @returns a clause such as "is multicast"; undefined when they can
 */
export function reservedReason(prefix: Prefix): string | undefined {
  return RESERVED.find(({ block }) => overlaps(block, prefix))?.why;
}
