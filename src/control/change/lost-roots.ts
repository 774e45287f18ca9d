/** Devices marked by a dpctl root that has no record anywhere on this machine. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, exec, type Hint } from '../../../loader/hint.js';
import { type Link, linkDump } from '../../linux/netlink/link.js';
import { nftTableName } from '../../model/desired/host-rules.js';
import { markOf } from '../../model/state/ownership-mark.js';
import type { Node } from '../node/node.js';
import { mountedRoots, recordsAt } from '../node/other-roots.js';
import { MADE_DEVICE } from './own-device.js';

/** Ids of the roots that can be found: those with mounts, and the machine's own. */
function knownRoots(): Set<string> {
  return new Set([...mountedRoots(), '/'].flatMap((root) => recordsAt(root).rootId ?? []));
}

/** Devices in the node's namespace marked by a root that has no record. */
export function devicesOfLostRoots(node: Node): Link[] {
  const marked = linkDump(node.rtnl(), { statistics: false }).filter(
    ({ alias }) => markOf(alias)?.root !== undefined,
  );
  if (marked.length === 0) return [];
  const known = knownRoots();
  return marked.filter(({ alias }) => !known.has(markOf(alias)?.root ?? ''));
}

/** Whether a marked device belongs to such a root. */
export function isOfLostRoot(link: Link): boolean {
  const root = markOf(link.alias)?.root;
  return root !== undefined && !knownRoots().has(root);
}

/** How to remove the device by hand. A device that existed before dpctl must stay. */
export function freeing({ name }: Link): Hint {
  if (MADE_DEVICE.test(name)) return exec`ip link del ${name}`;
  return advice`${exec`ip link set ${name} alias ${''}`}; ${exec`tc qdisc del dev ${name} clsact`}`;
}

/** @throws the error of {@link lostRootError} */
export function refuseLostRoots(found: readonly Link[]): void {
  const error = lostRootError(found);
  if (error !== undefined) throw error;
}

/** The error for a root without records, as it may have had some: RESET_INCOMPLETE, exit 2. */
export function lostRootError(found: readonly Link[]): DpctlError | undefined {
  const [first] = found;
  if (first === undefined) return undefined;
  const names = found.map(({ name, alias }) => `${name} (${alias})`);
  const root = markOf(first.alias)?.root;
  return new DpctlError(
    'RESET_INCOMPLETE',
    `this root has no record, but there are devices of a dpctl root whose records are lost: ${names.join(', ')}; sysctls, namespaces and interfaces may also be as dpctl left them`,
    {
      hint: advice`restore the records from a backup, or clean up by hand: ${found.flatMap((link) => advice`${freeing(link)}; `)}${exec`nft delete table inet ${nftTableName(root)}`}; and check net.ipv4.ip_forward and \`${exec`ip netns list`}\``,
      details: { devices: found.map(({ name }) => name), root: root ?? '' },
    },
  );
}
