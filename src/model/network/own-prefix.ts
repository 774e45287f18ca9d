/**
 * The prefixes of a network that this node owns. Other nodes know no more than the prefix: they derive the
 * MAC of an address in it, 0a:58 and its last four bytes. So an endpoint with such an address must have that
 * MAC, and an IPv6 address in the prefix ends in the IPv4 address.
 */

import { DpctlError } from '../../../loader/errors.js';
import { type Hint, type RunPart, run } from '../../../loader/hint.js';
import { formatIp, parseIp } from '../address/ip.js';
import { addressOf, contains, formatPrefix, parsePrefix } from '../address/prefix.js';
import { checkInside, isInside } from '../overlay/node-prefixes.js';
import { endpointLabel } from '../state/lookup.js';
import type { Endpoint, Network, State } from '../state/state.js';
import type { Subnets } from './addresses.js';
import { macOfIp4 } from './ipam.js';

/** The prefixes that this node owns, at most one for each family. */
type OwnPrefixes = Pick<Network, 'own4' | 'own6'>;

const LOW32 = 0xffff_ffffn;

/**
 * The own prefixes of a network, for its subnets: the requested ones, else the present ones that are still
 * inside.
 * @param asked false: none any more
 * @throws DpctlError, exit 1: ADDRESS_INVALID, PREFIX_INVALID, PREFIX_HOST_BITS, PREFIX_OUTSIDE_SUBNET,
 *   OWN_PREFIX_INVALID (two of a family)
 */
export function chooseOwnPrefixes(
  network: Network,
  subnets: Subnets,
  asked: readonly string[] | false,
): OwnPrefixes {
  if (asked === false) return {};
  const { name } = network;
  const command = (prefix: string): Hint => run`network add ${name} --own-prefix ${prefix}`;
  const own: { own4?: string; own6?: string } = {};
  for (const family of [4, 6] as const) {
    const key = `own${family}` as const;
    const given = asked
      .map((text) => parsePrefix(text, command))
      .filter((prefix) => prefix.family === family);
    const [first, second] = given;
    if (second !== undefined) {
      const both = given.map(formatPrefix).join(' and ');
      const message = `${both}: a node has one IPv${family} prefix of a network at most`;
      throw new DpctlError('OWN_PREFIX_INVALID', message, {
        exitCode: 1,
        hint: command(formatPrefix(second)),
        details: { network: name, prefixes: given.map(formatPrefix) },
      });
    }
    if (first !== undefined) {
      checkInside({ name, ...subnets }, first, command);
      own[key] = formatPrefix(first);
      continue;
    }
    const old = network[key];
    if (old !== undefined && isInside(subnets, parsePrefix(old))) own[key] = old;
  }
  return own;
}

/** Whether an address, with or without a length, is in the own prefix of its family. */
export function isOwn(network: OwnPrefixes, address: string | undefined): address is string {
  if (address === undefined) return false;
  const ip = parseIp(addressOf(address));
  const own = ip.family === 4 ? network.own4 : network.own6;
  return own !== undefined && contains(parsePrefix(own), ip);
}

/**
 * The IPv6 address in the own prefix for which other nodes derive the MAC of an IPv4 address: the prefix, and
 * the IPv4 address as the last four bytes.
 * @returns without a length; undefined where there is none
 */
export function derivedIp6(network: OwnPrefixes, ip4: string | undefined): string | undefined {
  if (network.own6 === undefined || !isOwn(network, ip4)) return undefined;
  const { value } = parsePrefix(network.own6);
  const low = parseIp(addressOf(ip4)).value;
  const derived = formatIp({ family: 6, value: (value & ~LOW32) | low });
  return isOwn(network, derived) ? derived : undefined;
}

/** The IPv4 address that an IPv6 address stands for on other nodes; undefined: none. */
function derivedFrom(network: OwnPrefixes, ip6: string | undefined): string | undefined {
  if (!isOwn(network, ip6)) return undefined;
  const { value } = parseIp(addressOf(ip6));
  const ip4 = formatIp({ family: 4, value: value & LOW32 });
  return isOwn(network, ip4) ? ip4 : undefined;
}

/** Whether other nodes would take an IPv6 address for that of another endpoint. */
export function misleads(
  network: OwnPrefixes,
  ip6: string | undefined,
  ip4: string | undefined,
): boolean {
  const stands = derivedFrom(network, ip6);
  return stands !== undefined && (ip4 === undefined || stands !== addressOf(ip4));
}

/**
 * Check that other nodes derive an endpoint's MAC from its addresses.
 * @param command such as attach ns1
 * @throws DpctlError MAC_NOT_DERIVED or ADDRESS_NOT_DERIVED, exit 1
 */
export function checkDerived(
  network: Network,
  endpoint: Pick<Endpoint, 'mac' | 'ip4' | 'ip6' | 'namespace' | 'ifname' | 'network'>,
  command: RunPart,
): void {
  const { ip4, ip6, mac } = endpoint;
  const label = endpointLabel(endpoint);
  if (isOwn(network, ip4) && mac !== macOfIp4(ip4)) {
    const address = addressOf(ip4);
    const wanted = macOfIp4(ip4);
    throw new DpctlError(
      'MAC_NOT_DERIVED',
      `${label} has ${address} in ${network.own4}, this node's own prefix, for which other nodes use ${wanted} and not ${mac}`,
      {
        exitCode: 1,
        hint: run`${command.run} --mac ${wanted}`,
        details: { address, mac, wanted, network: network.name },
      },
    );
  }
  if (!misleads(network, ip6, ip4)) return;
  const address = addressOf(ip6 ?? '');
  const other = derivedFrom(network, ip6) ?? '';
  const free = derivedIp6(network, ip4);
  throw new DpctlError(
    'ADDRESS_NOT_DERIVED',
    `${address} is in ${network.own6}, this node's own prefix, where it stands for the endpoint with ${other}, and ${label} has ${ip4 === undefined ? 'no IPv4 address' : addressOf(ip4)}`,
    {
      exitCode: 1,
      hint: run`${command.run} --ip ${free ?? other}`,
      details: { address, stands: other, network: network.name },
    },
  );
}

/**
 * Check the endpoints of a network that gets an own prefix.
 * @throws DpctlError MAC_NOT_DERIVED or ADDRESS_NOT_DERIVED, exit 1
 */
export function checkAllDerived({ endpoints }: State, network: Network): void {
  if (network.own4 === undefined && network.own6 === undefined) return;
  for (const endpoint of endpoints) {
    if (endpoint.network !== network.name || endpoint.phase === 'detaching') continue;
    checkDerived(network, endpoint, run`attach ${endpoint.namespace.ref}`);
  }
}
