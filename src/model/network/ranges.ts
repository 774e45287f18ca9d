/**
 * The part of a network's subnets from which this node chooses addresses. Nodes do not coordinate addresses,
 * so each needs a part of its own.
 */

import { DpctlError } from '../../../loader/errors.js';
import { type Hint, run } from '../../../loader/hint.js';
import { formatIp } from '../address/ip.js';
import { contains, formatPrefix, type Prefix, parsePrefix } from '../address/prefix.js';
import type { Network } from '../state/state.js';
import type { Subnets } from './addresses.js';

/** The ranges of a network, at most one for each family. */
type Ranges = Pick<Network, 'range4' | 'range6'>;

/**
 * The ranges of a network, for its subnets: the requested ones, else the present ones that are still inside.
 * The whole subnet is not stored as a range.
 * @throws DpctlError, exit 1: ADDRESS_INVALID, PREFIX_INVALID, PREFIX_HOST_BITS, RANGE_INVALID (not inside
 *   the subnet, or two of a family)
 */
export function chooseRanges(network: Network, subnets: Subnets, asked: readonly string[]): Ranges {
  const command = (range: string): Hint => run`network add ${network.name} --range ${range}`;
  const ranges: { range4?: string; range6?: string } = {};
  for (const family of [4, 6] as const) {
    const key = family === 4 ? 'range4' : 'range6';
    const text = subnets[family === 4 ? 'subnet4' : 'subnet6'];
    const subnet = text === undefined ? undefined : parsePrefix(text);
    const given = asked
      .map((each) => parsePrefix(each, command))
      .filter((prefix) => prefix.family === family);
    const [first, second] = given;
    if (second !== undefined) {
      const both = given.map(formatPrefix).join(' and ');
      throw rangeError(`${both}: a network has at most one IPv${family} range`, network.name);
    }
    if (first !== undefined && !isInside(subnet, first)) {
      const where = text ?? `any IPv${family} subnet of network ${network.name}`;
      throw rangeError(`${formatPrefix(first)} is not inside ${where}`, network.name, subnet);
    }
    const range = first ?? former(network[key], subnet);
    if (range !== undefined && range.length !== subnet?.length) ranges[key] = formatPrefix(range);
  }
  return ranges;
}

function former(text: string | undefined, subnet: Prefix | undefined): Prefix | undefined {
  const range = text === undefined ? undefined : parsePrefix(text);
  return range !== undefined && isInside(subnet, range) ? range : undefined;
}

function isInside(subnet: Prefix | undefined, range: Prefix): boolean {
  return subnet !== undefined && range.length >= subnet.length && contains(subnet, range);
}

function rangeError(message: string, network: string, subnet?: Prefix): DpctlError {
  const example =
    subnet === undefined
      ? '10.1.7.0/24'
      : `${formatIp(subnet)}/${Math.min(subnet.length + 8, subnet.family === 4 ? 30 : 126)}`;
  return new DpctlError('RANGE_INVALID', message, {
    exitCode: 1,
    hint: run`network add ${network} --range ${example}`,
    details: { network },
  });
}
