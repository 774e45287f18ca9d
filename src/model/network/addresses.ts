/** Subnets and gateway addresses of a network: the request, checked against the rest of the state. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, type Hint, run } from '../../../loader/hint.js';
import { type Family, formatIp, IP_BITS } from '../address/ip.js';
import {
  addressOf,
  contains,
  formatPrefix,
  hostRange,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../address/prefix.js';
import { reservedReason } from '../address/reserved.js';
import { endpointLabel, NETWORK_DEFAULT } from '../state/lookup.js';
import type { Network, State } from '../state/state.js';
import { firstHost, freeIp } from './ipam.js';

/** The subnets of a network, at most one for each family. */
export type Subnets = Pick<Network, 'subnet4' | 'subnet6'>;
type Gateway = NonNullable<Network['gateway']>;

const FAMILIES: readonly Family[] = [4, 6];
/** Length of the prefix that hints propose. */
const USUAL_LENGTH: Readonly<Record<Family, number>> = { 4: 24, 6: 64 };

/**
 * The subnets of a network: the requested ones, and the present one for a family without a request.
 * @throws DpctlError, all exit 1: ADDRESS_INVALID, PREFIX_INVALID, PREFIX_HOST_BITS, SUBNET_INVALID
 *   (reserved, or two of a family)
 */
export function chooseSubnets(network: Network, asked: readonly string[]): Subnets {
  const command = (subnet: string): Hint => run`network add ${network.name} --subnet ${subnet}`;
  const prefixes = asked.map((text) => parsePrefix(text, command));
  for (const family of FAMILIES) {
    const [first, second] = prefixes.filter((prefix) => prefix.family === family);
    if (first !== undefined && second !== undefined) {
      throw subnetError(
        `${formatPrefix(first)} and ${formatPrefix(second)}: a network has at most one IPv${family} subnet`,
        command(formatPrefix(first)),
        { subnets: asked },
      );
    }
  }
  const subnets: { subnet4?: string; subnet6?: string } = {};
  if (network.subnet4 !== undefined) subnets.subnet4 = network.subnet4;
  if (network.subnet6 !== undefined) subnets.subnet6 = network.subnet6;
  for (const prefix of prefixes) {
    const text = formatPrefix(prefix);
    const why = reservedReason(prefix);
    if (why !== undefined) {
      const usual = prefix.family === 4 ? '10.1.0.0/16' : 'fd00:1::/64';
      throw subnetError(`${text} cannot be a subnet: it ${why}`, command(usual), { subnet: text });
    }
    subnets[prefix.family === 4 ? 'subnet4' : 'subnet6'] = text;
  }
  return subnets;
}

/**
 * The gateway addresses of a network, for its subnets.
 * @param asked as in the request; undefined or an empty list: the present ones, adjusted to its subnets
 * @returns undefined: none
 * @throws DpctlError, all exit 1: GATEWAY_NEEDS_SUBNET, ADDRESS_INVALID, ADDRESS_OUTSIDE_SUBNET,
 *   ADDRESS_IN_USE
 */
export function chooseGateway(
  state: State,
  network: Network,
  subnets: Subnets,
  asked: boolean | readonly string[] | undefined,
): Gateway | undefined {
  if (asked === false) return undefined;
  const all = asked === true;
  if (all && subnets.subnet4 === undefined && subnets.subnet6 === undefined) {
    throw needsSubnet(network.name, 'a gateway needs a subnet, and the network has none', 4);
  }
  const given = typeof asked === 'object' ? asked : [];
  const gateway: { ip4?: string; ip6?: string } = {};
  for (const family of FAMILIES) {
    const key = family === 4 ? 'ip4' : 'ip6';
    const subnet = subnets[family === 4 ? 'subnet4' : 'subnet6'];
    const address =
      givenAddress(network.name, given, family) ?? present(network, subnet, family, all);
    if (address === undefined) continue;
    if (subnet === undefined) {
      throw needsSubnet(network.name, `gateway ${address} needs an IPv${family} subnet`, family);
    }
    checkGateway(state, network, subnet, address);
    gateway[key] = address;
  }
  return gateway.ip4 === undefined && gateway.ip6 === undefined ? undefined : gateway;
}

/** The present address; if it was the default of the former subnet, the default of the new one. */
function present(
  network: Network,
  subnet: string | undefined,
  family: Family,
  all: boolean,
): string | undefined {
  const old = family === 4 ? network.gateway?.ip4 : network.gateway?.ip6;
  const oldSubnet = family === 4 ? network.subnet4 : network.subnet6;
  if (subnet === undefined) return undefined;
  if (old === undefined) return all ? firstHost(subnet) : undefined;
  const moved = oldSubnet !== subnet && oldSubnet !== undefined && old === firstHost(oldSubnet);
  return moved ? firstHost(subnet) : old;
}

function givenAddress(name: string, given: readonly string[], family: Family): string | undefined {
  const addresses = given.map((text) => parseAddress(text).ip).filter((ip) => ip.family === family);
  const [first, second] = addresses;
  if (first === undefined) return undefined;
  if (second !== undefined) {
    throw new DpctlError(
      'ADDRESS_INVALID',
      `a gateway has at most one IPv${family} address, not ${addresses.map(formatIp).join(' and ')}`,
      {
        exitCode: 1,
        hint: run`network add ${name} --gateway ${formatIp(first)}`,
        details: { gateway: given },
      },
    );
  }
  return formatIp(first);
}

function checkGateway(state: State, { name }: Network, subnet: string, address: string): void {
  const { ip } = parseAddress(address);
  const prefix = parsePrefix(subnet);
  const { first, last } = hostRange(prefix);
  const members = state.endpoints.filter((each) => each.network === name);
  const inside = contains(prefix, ip) && ip.value >= first && ip.value <= last;
  const holder = members.find(
    ({ namespace, ip4, ip6 }) =>
      namespace.kind !== 'node' &&
      [ip4, ip6].some((text) => text !== undefined && addressOf(text) === address),
  );
  if (inside && holder === undefined) return;
  const taken = members.flatMap(({ ip4, ip6 }) => [ip4 ?? '', ip6 ?? '']);
  const free = freeIp(subnet, taken);
  const hint = free === undefined ? run`network list` : run`network add ${name} --gateway ${free}`;
  if (holder !== undefined) {
    throw new DpctlError('ADDRESS_IN_USE', `${address} belongs to ${endpointLabel(holder)}`, {
      exitCode: 1,
      hint,
      details: { address, holder: holder.namespace.ref, free },
    });
  }
  throw new DpctlError(
    'ADDRESS_OUTSIDE_SUBNET',
    `gateway ${address} is not a host address in ${subnet}, the subnet of network ${name}`,
    { exitCode: 1, hint, details: { address, subnet, network: name } },
  );
}

/**
 * The host routes by address, so only one of two networks that overlap may have a gateway. Networks without a
 * gateway, and networks on different VNIs, never meet.
 * @param network as requested
 * @throws DpctlError SUBNET_OVERLAP, exit 1
 */
export function refuseMeeting(state: State, network: Network): void {
  const { name, gateway } = network;
  for (const family of FAMILIES) {
    const [key, own] = [family === 4 ? 'ip4' : 'ip6', subnetOf(network, family)] as const;
    if (own === undefined || gateway?.[key] === undefined) continue;
    const prefix = parsePrefix(own);
    for (const other of state.networks) {
      const theirs = subnetOf(other, family);
      if (other.name === name || theirs === undefined || other.gateway?.[key] === undefined)
        continue;
      if (overlaps(prefix, parsePrefix(theirs))) throw meeting(state, name, prefix, other, theirs);
    }
  }
}

function subnetOf({ subnet4, subnet6 }: Network, family: Family): string | undefined {
  return family === 4 ? subnet4 : subnet6;
}

function meeting(
  state: State,
  name: string,
  prefix: Prefix,
  other: Network,
  theirs: string,
): DpctlError {
  const text = formatPrefix(prefix);
  const free = freeSubnet(state, prefix);
  const message = `${text} overlaps ${theirs} of network ${other.name}, and both have a gateway`;
  return new DpctlError('SUBNET_OVERLAP', message, {
    exitCode: 1,
    hint: overlapHint(name, other.name, free),
    details: { subnet: text, network: other.name, theirs, free },
  });
}

function overlapHint(name: string, other: string, free: string | undefined): Hint {
  const subnet = free ?? 'ADDRESS/LENGTH';
  const add = advice`${run`network add ${name} --subnet ${subnet}`}, or --no-gateway on one of them`;
  return name === NETWORK_DEFAULT ? advice`${add}, or attach with --network ${other}` : add;
}

/**
 * The next prefix of the same length that overlaps no network, for hints; only a few are tried.
 * @param avoid further prefixes that are not free
 */
export function freeSubnet(
  state: State,
  prefix: Prefix,
  avoid: readonly Prefix[] = [],
): string | undefined {
  const theirs = state.networks
    .map((each) => (prefix.family === 4 ? each.subnet4 : each.subnet6))
    .filter((text) => text !== undefined)
    .map((text) => parsePrefix(text))
    .concat(avoid.filter(({ family }) => family === prefix.family));
  const step = 1n << BigInt(IP_BITS[prefix.family] - prefix.length);
  const end = 1n << BigInt(IP_BITS[prefix.family]);
  for (let i = 1n; i <= 4096n; i++) {
    const value = prefix.value + i * step;
    if (value + step > end) return undefined;
    const next: Prefix = { ...prefix, value };
    if (reservedReason(next) === undefined && !theirs.some((each) => overlaps(each, next))) {
      return formatPrefix(next);
    }
  }
  return undefined;
}

function subnetError(message: string, hint: Hint, details: Record<string, unknown>): DpctlError {
  return new DpctlError('SUBNET_INVALID', message, { exitCode: 1, hint, details });
}

function needsSubnet(name: string, message: string, family: Family): DpctlError {
  const example = family === 4 ? `10.1.0.0/${USUAL_LENGTH[4]}` : `fd00:1::/${USUAL_LENGTH[6]}`;
  return new DpctlError('GATEWAY_NEEDS_SUBNET', `network ${name}: ${message}`, {
    exitCode: 1,
    hint: run`network add ${name} --subnet ${example} --gateway`,
    details: { network: name },
  });
}
