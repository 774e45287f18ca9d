/** Addresses that other nodes of the cluster have: this node chooses others. */
import { DpctlError } from '../../../loader/errors.js';
import type { AttachRequest } from '../../api/endpoint.js';
import { NETWORK_DEFAULT } from '../../model/state/lookup.js';
import { addressesOf, addressTextOfKey } from '../../store/etcd/records/schema.js';
import type { Node } from '../node/node.js';
import { isAway, membershipOf, withEtcd } from './connection.js';
import { reservedAddresses } from './ranges.js';

/** How often an address is chosen that another node has taken meanwhile. */
const ATTEMPTS = 20;

/** From which addresses one is chosen. */
export interface Choice {
  /** These are others'. */
  readonly taken: readonly string[];
  /** Blocks of this node's own, while etcd is away. */
  readonly within?: readonly string[];
}

/**
 * Attach with addresses that no endpoint of the cluster has.
 * @param attempt called with the addresses to leave out; again when one that it chose was taken meanwhile
 * @throws what it throws
 */
export async function withTaken<T>(
  node: Node,
  request: AttachRequest,
  attempt: (chosen: Choice) => Promise<T>,
): Promise<T> {
  const membership = membershipOf(node);
  if (membership === undefined) return attempt({ taken: [] });
  const network = request.network ?? NETWORK_DEFAULT;
  const read = (): Promise<readonly string[]> =>
    withEtcd(node, membership, async (etcd) => {
      const reserved = await reservedAddresses(etcd, network);
      const known = node.cluster.live?.taken(network);
      if (known !== undefined) return [...known, ...reserved];
      const { entries } = await etcd.list(addressesOf(network));
      return [...entries.map(({ key }) => addressTextOfKey(key)), ...reserved];
    });
  let taken: readonly string[] = [];
  let within: readonly string[] | undefined;
  try {
    taken = await read();
  } catch (error) {
    if (!isAway(error)) throw error;
    within = membership.ranges?.[network];
  }
  for (let left = ATTEMPTS; ; left--) {
    try {
      return await attempt({ taken, ...(within !== undefined && { within }) });
    } catch (error) {
      const refused = refusedAddress(error);
      if (refused === undefined || left <= 1 || isAskedFor(request, refused)) throw error;
      taken = [...taken, ...refused.split(' or ')];
    }
  }
}

/** The address that another node of the cluster has. */
function refusedAddress(error: unknown): string | undefined {
  if (!(error instanceof DpctlError) || error.code !== 'ADDRESS_IN_USE') return undefined;
  const { what, node } = error.details;
  return typeof what === 'string' && typeof node === 'string' ? what : undefined;
}

function isAskedFor({ ips = [] }: AttachRequest, address: string): boolean {
  const refused = address.split(' or ');
  return ips.some((each) => refused.includes(each.split('/')[0] ?? ''));
}
