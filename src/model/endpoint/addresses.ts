/** MAC and IP addresses of an endpoint: the requested ones, after checks, or else free ones. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, type Hint, type RunPart, run } from '../../../loader/hint.js';
import { type Family, familyOf, formatIp, IP_BITS } from '../address/ip.js';
import {
  type AddressText,
  addressOf,
  contains,
  formatPrefix,
  hostRange,
  lengthOf,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixOf,
} from '../address/prefix.js';
import { reservedReason } from '../address/reserved.js';
import { allocateIp, firstHost, freeIp } from '../network/ipam.js';
import { derivedIp6, misleads } from '../network/own-prefix.js';
import { endpointLabel } from '../state/lookup.js';
import type { Endpoint, Network, RemoteFdb, State } from '../state/state.js';

/** The endpoint for which an address is chosen. */
export interface Seeker {
  readonly state: State;
  readonly network: Network;
  /** The present endpoint; undefined for a new one. */
  readonly self: Endpoint | undefined;
  /** The command that hints are made from, such as attach ns1. */
  readonly command: RunPart;
  /** Addresses of endpoints of other nodes. */
  readonly elsewhere?: readonly string[];
  /** Prefixes from which addresses are chosen instead of the network's range. */
  readonly within?: readonly string[] | undefined;
}

/**
 * The requested addresses, one for each family.
 * @throws DpctlError, exit 1: ADDRESS_INVALID (also for two of a family), PREFIX_INVALID
 */
export function splitAddresses(
  ips: readonly string[],
  command: RunPart,
): Readonly<Partial<Record<Family, AddressText>>> {
  const asked: Partial<Record<Family, AddressText>> = {};
  for (const text of ips) {
    const address = parseAddress(text);
    const { family } = address.ip;
    const other = asked[family];
    if (other !== undefined && other.ip.value !== address.ip.value) {
      throw new DpctlError(
        'ADDRESS_INVALID',
        `an endpoint has at most one IPv${family} address, not ${formatIp(other.ip)} and ${formatIp(address.ip)}`,
        {
          exitCode: 1,
          hint: advice`${run`${command.run} --ip ${formatIp(other.ip)}`} (further ones as --allow-prefix)`,
          details: { ips },
        },
      );
    }
    asked[family] = address;
  }
  return asked;
}

/**
 * The address of an endpoint in one family: the requested one, else its present one, else for a new endpoint
 * a free one: of the range or the own prefix, if this node has one, or of the subnet. In the own prefix an
 * IPv6 address is derived from the IPv4 address; else the lowest free one is chosen. The first address of a
 * subnet is chosen last, so that it stays free for a gateway.
 * @returns ADDRESS/LENGTH; undefined if none is requested and there is no subnet
 * @throws DpctlError, all exit 1: ADDRESS_INVALID, ADDRESS_NEEDS_LENGTH, ADDRESS_OUTSIDE_SUBNET,
 *   ADDRESS_IN_USE, SUBNET_FULL
 */
export function chooseAddress(
  seeker: Seeker,
  family: Family,
  asked: AddressText | undefined,
  ip4?: string,
): string | undefined {
  const { network, self } = seeker;
  const subnet = family === 4 ? network.subnet4 : network.subnet6;
  if (asked !== undefined) {
    const prefix = checkPlace(seeker, asked, subnet);
    checkFree(seeker, formatIp(asked.ip), formatPrefix(prefix));
    return `${formatIp(asked.ip)}/${prefix.length}`;
  }
  const former = family === 4 ? self?.ip4 : self?.ip6;
  if (self !== undefined && !(family === 6 && misleads(network, former, ip4))) return former;
  if (subnet === undefined) return undefined;
  const taken = takenAddresses(seeker, family);
  const block = seeker.within?.find((each) => familyOf(each) === family);
  const derived = family === 6 && block === undefined ? derivedIp6(network, ip4) : undefined;
  const [range = subnet] = [
    block,
    ...(family === 4 ? [network.range4, network.own4] : [network.range6, network.own6]),
  ].filter((each) => each !== undefined);
  const address =
    derived !== undefined && !taken.includes(derived)
      ? derived
      : (freeIp(range, taken, [firstHost(subnet)]) ?? allocateIp(range, taken));
  return `${address}/${parsePrefix(subnet).length}`;
}

/** The prefix of an address, after checking that a host may use the address there. */
function checkPlace(seeker: Seeker, asked: AddressText, subnet: string | undefined): Prefix {
  const { network, command } = seeker;
  const { family } = asked.ip;
  const address = formatIp(asked.ip);
  const why = reservedReason({ ...asked.ip, length: IP_BITS[family] });
  if (why !== undefined) {
    throw addressError('ADDRESS_INVALID', `${address} ${why}`, suggest(seeker, subnet), address);
  }
  if (subnet === undefined) {
    if (asked.length === undefined) {
      throw addressError(
        'ADDRESS_NEEDS_LENGTH',
        `network ${network.name} has no IPv${family} subnet, so the length of ${address} is unknown`,
        run`${command.run} --ip ${address}/${family === 4 ? 24 : 64}`,
        address,
      );
    }
    return checkHost(asked, prefixOf(asked.ip, asked.length), seeker);
  }
  const prefix = parsePrefix(subnet);
  if (!contains(prefix, asked.ip)) {
    throw addressError(
      'ADDRESS_OUTSIDE_SUBNET',
      `${address} is outside ${subnet}, the subnet of network ${network.name}`,
      suggest(seeker, subnet),
      address,
    );
  }
  if (asked.length !== undefined && asked.length !== prefix.length) {
    throw addressError(
      'ADDRESS_OUTSIDE_SUBNET',
      `${address}/${asked.length}: the subnet of network ${network.name} is ${subnet}`,
      run`${command.run} --ip ${address}/${prefix.length}`,
      address,
    );
  }
  return checkHost(asked, prefix, seeker);
}

function checkHost({ ip }: AddressText, prefix: Prefix, seeker: Seeker): Prefix {
  const { first, last } = hostRange(prefix);
  if (ip.value >= first && ip.value <= last) return prefix;
  const what =
    ip.value > last
      ? 'the broadcast address'
      : ip.family === 4
        ? 'the network itself'
        : 'the anycast address of routers (RFC 4291, 2.6.1)';
  const text = formatPrefix(prefix);
  const address = formatIp(ip);
  throw addressError(
    'ADDRESS_INVALID',
    `${address} is ${what} in ${text}`,
    suggest(seeker, text),
    address,
  );
}

function checkFree(seeker: Seeker, address: string, prefix: string): void {
  const { gateway, name } = seeker.network;
  const members = others(seeker);
  const holder = members.find(({ ip4, ip6 }) =>
    [ip4, ip6].some((text) => text !== undefined && addressOf(text) === address),
  );
  const isGateway = gateway?.ip4 === address || gateway?.ip6 === address;
  const remote = remoteAddresses(seeker).find(({ ips }) => ips.includes(address));
  if (holder === undefined && !isGateway && remote === undefined) return;
  const other = isGateway ? `the gateway of network ${name}` : `${remote?.mac} on another node`;
  const whose = holder === undefined ? other : endpointLabel(holder);
  throw new DpctlError('ADDRESS_IN_USE', `${address} belongs to ${whose}`, {
    exitCode: 1,
    hint: suggest(seeker, prefix),
    details: {
      address,
      network: name,
      holder: holder?.namespace.ref ?? (isGateway ? 'gateway' : 'remote'),
    },
  });
}

/**
 * A command with an address that would be accepted.
 * @param prefix where to look for one; undefined: unknown
 */
function suggest(seeker: Seeker, prefix: string | undefined): RunPart {
  const { network, command } = seeker;
  if (prefix === undefined) return run`${command.run} --ip 10.1.0.5/24`;
  const free = freeIp(prefix, takenAddresses(seeker, familyOf(prefix)), [firstHost(prefix)]);
  if (free === undefined) return run`endpoints`;
  const known = prefix === network.subnet4 || prefix === network.subnet6;
  const length = known ? '' : `/${lengthOf(prefix)}`;
  return run`${command.run} --ip ${free}${length}`;
}

/** Addresses of one family that are in use on the network. */
function takenAddresses(seeker: Seeker, family: Family): string[] {
  const key = family === 4 ? 'ip4' : 'ip6';
  const taken = others(seeker).map((each) => each[key]);
  taken.push(seeker.network.gateway?.[key]);
  taken.push(...remoteAddresses(seeker).flatMap(({ ips }) => ips), ...(seeker.elsewhere ?? []));
  return taken.filter((address) => address !== undefined);
}

/** MACs behind other nodes with known addresses. */
function remoteAddresses({ state, network }: Seeker): RemoteFdb[] {
  return state.remoteFdb.filter((each) => each.network === network.name);
}

/** The other endpoints of the network. */
export function others({ state, network, self }: Seeker): Endpoint[] {
  return state.endpoints.filter((each) => each.network === network.name && each.id !== self?.id);
}

function addressError(code: string, message: string, hint: Hint, address: string): DpctlError {
  return new DpctlError(code, message, { exitCode: 1, hint, details: { address } });
}
