/**
 * Prefixes of networks that nodes own: all addresses of a prefix are on its node, those of endpoints that
 * are not there yet too. Other nodes derive MACs from these addresses (network/own-prefix.ts).
 */

import { DpctlError } from '../../../loader/errors.js';
import { advice, type Hint, run } from '../../../loader/hint.js';
import { NODE_PREFIX_MAX } from '../../contract/generated.js';
import { formatIp } from '../address/ip.js';
import { contains, formatPrefix, type Prefix, parsePrefix } from '../address/prefix.js';
import { requireNetwork } from '../state/lookup.js';
import type { Network, Remote, State } from '../state/state.js';

type NodePrefix = NonNullable<Remote['prefixes']>[number];

/** The prefixes of another node that a request asks for. */
export interface NodePrefixRequest {
  /** Of which network. */
  readonly network: string;
  /** These instead of the present ones on the network; false: none; an empty list: the present ones. */
  readonly prefixes?: readonly string[] | false | undefined;
}

/**
 * The prefixes of a node after a request: canonical, unique and sorted.
 * @param name of the node @param old the node as it is
 * @throws DpctlError, exit 3: NETWORK_NOT_FOUND; exit 1: ADDRESS_INVALID, PREFIX_INVALID, PREFIX_HOST_BITS,
 *   PREFIX_OUTSIDE_SUBNET, PREFIX_IN_USE (another node has the same one), PREFIX_LIMIT
 */
export function chooseNodePrefixes(
  state: State,
  name: string,
  old: Remote | undefined,
  request: NodePrefixRequest,
): Pick<Remote, 'prefixes'> {
  const present = old?.prefixes ?? [];
  const { prefixes: asked = [] } = request;
  if (asked !== false && asked.length === 0) return withPrefixes(present);
  const network = requireNetwork(state, request.network);
  const command = (prefix: string): Hint =>
    run`node add ${name} --network ${network.name} --prefix ${prefix}`;
  const chosen = (asked || []).map((text) => {
    const prefix = parsePrefix(text, command);
    checkInside(network, prefix, command);
    return { network: network.name, prefix: formatPrefix(prefix) };
  });
  const owners = new Map(
    ownersOf(state, network)
      .filter(({ node }) => node === undefined || node !== old?.name)
      .map((owner) => [owner.prefix, owner]),
  );
  for (const { prefix } of chosen) {
    const owner = owners.get(prefix);
    if (owner !== undefined) throw inUse(network.name, prefix, owner.node);
  }
  const kept = present.filter((each) => each.network !== network.name);
  const all = new Map([...kept, ...chosen].map((each) => [`${each.network} ${each.prefix}`, each]));
  const others = state.nodes.filter((each) => each !== old);
  checkLimit(others.reduce((sum, each) => sum + (each.prefixes?.length ?? 0), all.size));
  return withPrefixes([...all.keys()].sort().flatMap((key) => all.get(key) ?? []));
}

/** The state without the prefixes of a network that is deleted. */
export function withoutPrefixesOf(nodes: readonly Remote[], network: string): readonly Remote[] {
  if (!nodes.some(({ prefixes }) => prefixes?.some((each) => each.network === network))) {
    return nodes;
  }
  return nodes.map(({ prefixes, ...node }) => ({
    ...node,
    ...withPrefixes(prefixes?.filter((each) => each.network !== network) ?? []),
  }));
}

/** A prefix and who owns it. */
interface PrefixOwner {
  readonly prefix: string;
  /** Name of the node; undefined: this one. */
  readonly node: string | undefined;
}

/** All prefixes of a network that nodes own, this one included. */
function ownersOf({ nodes }: State, network: Network): PrefixOwner[] {
  const own = [network.own4, network.own6].flatMap((prefix) =>
    prefix === undefined ? [] : [{ prefix, node: undefined }],
  );
  const others = nodes.flatMap(({ name, prefixes = [] }) =>
    prefixes
      .filter((each) => each.network === network.name)
      .map(({ prefix }) => ({ prefix, node: name })),
  );
  return [...own, ...others];
}

/**
 * Check a network that changes: the prefixes of other nodes are inside its subnets, and none of them is its
 * own.
 * @throws DpctlError PREFIX_OUTSIDE_SUBNET or PREFIX_IN_USE, exit 1
 */
export function checkNodePrefixes(state: State, network: Network): void {
  for (const { prefix, node } of ownersOf(state, network)) {
    if (node === undefined) continue;
    const remove = run`node add ${node} --network ${network.name} --no-prefix`;
    if (!isInside(network, parsePrefix(prefix))) {
      const message = `${prefix} of node ${node} would be outside the subnet of network ${network.name}`;
      throw new DpctlError('PREFIX_OUTSIDE_SUBNET', message, {
        exitCode: 1,
        hint: remove,
        details: { prefix, node, network: network.name },
      });
    }
    if (prefix === network.own4 || prefix === network.own6) throw inUse(network.name, prefix, node);
  }
}

/** Whether a prefix is inside the network's subnet of its family. */
export function isInside(network: Pick<Network, 'subnet4' | 'subnet6'>, prefix: Prefix): boolean {
  const text = prefix.family === 4 ? network.subnet4 : network.subnet6;
  if (text === undefined) return false;
  const subnet = parsePrefix(text);
  return prefix.length >= subnet.length && contains(subnet, prefix);
}

/**
 * Check that a prefix is inside the network's subnet.
 * @param command makes a command line with a prefix in it, for the hint
 * @throws DpctlError PREFIX_OUTSIDE_SUBNET, exit 1
 */
export function checkInside(
  network: Pick<Network, 'name' | 'subnet4' | 'subnet6'>,
  prefix: Prefix,
  command: (prefix: string) => Hint,
): void {
  if (isInside(network, prefix)) return;
  const text = formatPrefix(prefix);
  const { family } = prefix;
  const subnet = family === 4 ? network.subnet4 : network.subnet6;
  const why =
    subnet === undefined
      ? `network ${network.name} has no IPv${family} subnet that ${text} could be a part of`
      : `${text} is outside ${subnet}, the subnet of network ${network.name}`;
  throw new DpctlError('PREFIX_OUTSIDE_SUBNET', why, {
    exitCode: 1,
    hint:
      subnet === undefined
        ? run`network add ${network.name} --subnet ${family === 4 ? '10.1.0.0/16' : 'fd00:1::/64'}`
        : command(exampleIn(parsePrefix(subnet))),
    details: { prefix: text, network: network.name, subnet: subnet ?? '' },
  });
}

function exampleIn(subnet: Prefix): string {
  return `${formatIp(subnet)}/${Math.min(subnet.length + 8, subnet.family === 4 ? 30 : 126)}`;
}

function inUse(network: string, prefix: string, node: string | undefined): DpctlError {
  const whose = node === undefined ? "this node's own prefix" : `the prefix of node ${node}`;
  const remove =
    node === undefined
      ? run`network add ${network} --no-own-prefix`
      : run`node add ${node} --network ${network} --no-prefix`;
  return new DpctlError('PREFIX_IN_USE', `${prefix} is ${whose} on network ${network}`, {
    exitCode: 1,
    hint: advice`choose a part of it, of which the longest counts, or ${remove}`,
    details: { prefix, network, node: node ?? '' },
  });
}

function checkLimit(count: number): void {
  // Networks' own prefixes share the table, but never come near its size.
  if (count <= NODE_PREFIX_MAX / 2) return;
  throw new DpctlError(
    'PREFIX_LIMIT',
    `${count} prefixes of nodes are more than the ${NODE_PREFIX_MAX / 2} that have room`,
    {
      exitCode: 1,
      hint: advice`give nodes fewer and shorter prefixes: ${run`dump prefixes`}`,
      details: { count, max: NODE_PREFIX_MAX / 2 },
    },
  );
}

function withPrefixes(prefixes: readonly NodePrefix[]): Pick<Remote, 'prefixes'> {
  return prefixes.length === 0 ? {} : { prefixes: [...prefixes] };
}

/** Prefixes of a node in one line each, `NETWORK=PREFIX`. */
export function prefixTexts({ prefixes = [] }: Pick<Remote, 'prefixes'>): string[] {
  return prefixes.map(({ network, prefix }) => `${network}=${prefix}`);
}
