/** Choice of addresses. Pure: the same state and request always give the same address. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { type Family, formatIp, ip4ToNumber } from '../address/ip.js';
import { bytesToMac, MAC_LENGTH } from '../address/mac.js';
import { addressOf, formatPrefix, hostRange, parsePrefix } from '../address/prefix.js';
import { hash32 } from '../state/hash.js';

/**
 * The lowest free address of a subnet. Looks at no more addresses than are taken, so a /64 costs no more than
 * a /24.
 * @param subnet canonical ADDRESS/LENGTH
 * @param taken canonical addresses in use (with or without /LENGTH); those of other subnets and families are
 *   ignored
 * @param reserved further addresses, such as the gateway's
 * @returns canonical, without a length; undefined when the subnet is full
 */
export function freeIp(
  subnet: string,
  taken: Iterable<string>,
  reserved: Iterable<string> = [],
): string | undefined {
  const prefix = parsePrefix(subnet);
  const used = new Set<string>();
  for (const address of taken) used.add(addressOf(address));
  for (const address of reserved) used.add(addressOf(address));
  const { first, last } = hostRange(prefix);
  for (const address of textsOf(prefix.family, first, last)) {
    if (!used.has(address)) return address;
  }
  return undefined;
}

/**
 * Consecutive addresses as text. Only the last part is formatted again: with thousands of endpoints, the
 * search for a free address would otherwise cost more than the rest of an attach.
 */
function* textsOf(family: Family, first: bigint, last: bigint): Generator<string> {
  const radix = family === 4 ? 10 : 16;
  const size = family === 4 ? 256n : 65_536n;
  for (let base = (first / size) * size; base <= last; base += size) {
    // All addresses of a block, except for the one that ends in zero, differ only after the last separator.
    const head = formatIp({ family, value: base + 1n }).slice(0, -1);
    const from = base < first ? Number(first - base) : 0;
    const to = base + size > last ? Number(last - base) : Number(size) - 1;
    for (let low = from; low <= to; low++) {
      yield low === 0 ? formatIp({ family, value: base }) : head + low.toString(radix);
    }
  }
}

/**
 * {@link freeIp}, or an error that says how large the subnet is.
 * @throws DpctlError SUBNET_FULL, exit 1
 */
export function allocateIp(
  subnet: string,
  taken: Iterable<string>,
  reserved: Iterable<string> = [],
): string {
  const address = freeIp(subnet, taken, reserved);
  if (address !== undefined) return address;
  const prefix = parsePrefix(subnet);
  const { first, last } = hostRange(prefix);
  const size = last - first + 1n;
  throw new DpctlError(
    'SUBNET_FULL',
    `no address is free in ${formatPrefix(prefix)}: all ${size} are taken`,
    {
      exitCode: 1,
      hint: advice`detach an endpoint that is not needed (${run`endpoints`}), or use a network with a larger subnet`,
      details: { subnet: formatPrefix(prefix), size: Number(size) },
    },
  );
}

/** The default address of a gateway: the first that a host may use. */
export function firstHost(subnet: string): string {
  const prefix = parsePrefix(subnet);
  return formatIp({ family: prefix.family, value: hostRange(prefix).first });
}

/** The inputs of a generated MAC. */
export interface MacOrigin {
  /** Canonical IPv4 address of the endpoint, with or without a length. */
  readonly ip4?: string | undefined;
  /** Text that no other endpoint has, used if there is no IPv4 address. */
  readonly seed: string;
}

/**
 * A unicast, locally administered MAC that is free on the network: 0a:58 and the four bytes of the IPv4
 * address, as the CNI plugins of Kubernetes make it, so that users recognize its endpoint; without an IPv4
 * address, or if that MAC is taken, 0a:58 and a hash.
 * @param taken canonical MACs of the network
 */
export function generateMac(origin: MacOrigin, taken: ReadonlySet<string>): string {
  if (origin.ip4 !== undefined) {
    const mac = macOfIp4(origin.ip4);
    if (!taken.has(mac)) return mac;
  }
  for (let attempt = 0; ; attempt++) {
    const mac = macWith(hash32(`${origin.seed}/${attempt}`));
    if (!taken.has(mac)) return mac;
  }
}

/** The MAC that is made of an IPv4 address, with or without a length: 0a:58 and its four bytes. */
export function macOfIp4(ip4: string): string {
  return macWith(ip4ToNumber(addressOf(ip4)));
}

function macWith(low: number): string {
  const bytes = new Uint8Array(MAC_LENGTH);
  new DataView(bytes.buffer).setUint16(0, 0x0a58);
  new DataView(bytes.buffer).setUint32(2, low);
  return bytesToMac(bytes);
}

/** The lowest free integer from `first` on; undefined if none is free up to `last`. */
export function lowestFree(
  taken: Iterable<number>,
  first: number,
  last: number,
): number | undefined {
  const used = new Set(taken);
  for (let n = first; n <= last; n++) if (!used.has(n)) return n;
  return undefined;
}
