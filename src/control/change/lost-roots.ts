/** Devices with the mark of a dpctl root of which no record is left anywhere on this machine. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, exec, type Hint } from '../../../loader/hint.js';
import { type Link, linkDump } from '../../linux/netlink/link.js';
import { nftTableName } from '../../model/desired/host-rules.js';
import { markOf } from '../../model/state/ownership-mark.js';
import type { Node } from '../node/node.js';
import { mountedRoots, recordsAt } from '../node/other-roots.js';
import { MADE_DEVICE } from './own-device.js';

/** Ids of the roots that can be found: by what they have mounted, and the one of the machine itself. */
function knownRoots(): Set<string> {
  return new Set([...mountedRoots(), '/'].flatMap((root) => recordsAt(root).rootId ?? []));
}

/** Devices in the node's namespace that a root has marked of which there is no record. */
export function devicesOfLostRoots(node: Node): Link[] {
  const marked = linkDump(node.rtnl(), { statistics: false }).filter(
    ({ alias }) => markOf(alias)?.root !== undefined,
  );
  if (marked.length === 0) return [];
  const known = knownRoots();
  return marked.filter(({ alias }) => !known.has(markOf(alias)?.root ?? ''));
}

/** Whether a device that has a mark is one of them. */
export function isOfLostRoot(link: Link): boolean {
  const root = markOf(link.alias)?.root;
  return root !== undefined && !knownRoots().has(root);
}

/** How a person gets rid of it by hand: what was there before dpctl came is to stay. */
export function freeing({ name }: Link): Hint {
  if (MADE_DEVICE.test(name)) return exec`ip link del ${name}`;
  return advice`${exec`ip link set ${name} alias ${''}`}; ${exec`tc qdisc del dev ${name} clsact`}`;
}

/** @throws what {@link lostRootError} gives */
export function refuseLostRoots(found: readonly Link[]): void {
  const error = lostRootError(found);
  if (error !== undefined) throw error;
}

/** What is to be said where a root has no records, as it may have had some: RESET_INCOMPLETE, exit 2. */
export function lostRootError(found: readonly Link[]): DpctlError | undefined {
  const [first] = found;
  if (first === undefined) return undefined;
  const names = found.map(({ name, alias }) => `${name} (${alias})`);
  const root = markOf(first.alias)?.root;
  return new DpctlError(
    'RESET_INCOMPLETE',
    `there is no record of this root, but there are devices of a dpctl root whose records are lost: ${names.join(', ')}; sysctls, namespaces and interfaces may be as dpctl left them, too`,
    {
      hint: advice`restore the records from a backup, or by hand: ${found.flatMap((link) => advice`${freeing(link)}; `)}${exec`nft delete table inet ${nftTableName(root)}`}; and look at net.ipv4.ip_forward and \`${exec`ip netns list`}\``,
      details: { devices: found.map(({ name }) => name), root: root ?? '' },
    },
  );
}
