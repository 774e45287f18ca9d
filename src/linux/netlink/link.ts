/**
 * Links: read, change, delete.
 */

import { errnoOf } from '../../../loader/errors.js';
import { attribute, concat, text, u32 } from '../../../loader/netlink/codec.js';
import {
  type AddrGenMode,
  addrGenModeAttribute,
  IFLA,
  ifinfomsg,
  type LinkSettings,
  RTM,
  settingsAttributes,
} from './link-attributes.js';
import { decodeLink, type Link } from './link-decode.js';
import { dump, type Rtnl, request } from './socket.js';

export type { AddrGenMode, LinkSettings } from './link-attributes.js';
export { hasCarrier, type Link, type LinkStatistics } from './link-decode.js';

/**
 * RTEXT_FILTER_SKIP_STATS: leave out counters, which are sums over all CPUs. Up to Linux 6.18 this leaves out
 * only IPv6's; 7.3 leaves out the device's too.
 */
const SKIP_STATISTICS = 1 << 3;
const IFF_UP = 0x1;
const IFNAMSIZ = 16;

/** A link by its name or by its index. */
export type LinkSelector = { readonly name: string } | { readonly ifindex: number };

/** What linkSet can change. */
export interface LinkChange extends LinkSettings {
  readonly up?: boolean | undefined;
  /** Text kept by the kernel with the device; '' removes it. */
  readonly alias?: string | undefined;
  readonly addrGenMode?: AddrGenMode | undefined;
  /** Number of a group of devices (ip link set group). */
  readonly group?: number | undefined;
}

/** A link of the socket's namespace by name or index; undefined when there is none. Throws KERNEL_*. */
export function linkGet(rtnl: Rtnl, selector: LinkSelector): Link | undefined {
  const byName = 'name' in selector;
  // For an invalid name the kernel would answer ERANGE.
  if (byName && !isLinkName(selector.name)) return undefined;
  const body = byName
    ? concat([ifinfomsg(0), attribute(IFLA.IFNAME, text(selector.name))])
    : ifinfomsg(selector.ifindex);
  const what = `read link ${byName ? selector.name : `#${selector.ifindex}`}`;
  try {
    const [message] = request(rtnl, what, RTM.GETLINK, 0, body);
    return message && decodeLink(message);
  } catch (error) {
    if (errnoOf(error) === 'ENODEV') return undefined;
    throw error;
  }
}

/**
 * All links of the socket's namespace, by ifindex. `statistics: false` leaves the counters out. Throws
 * KERNEL_*.
 */
export function linkDump(rtnl: Rtnl, options: { readonly statistics?: boolean } = {}): Link[] {
  const { statistics = true } = options;
  const mask = statistics ? 0 : SKIP_STATISTICS;
  const body = concat([ifinfomsg(0), attribute(IFLA.EXT_MASK, u32(mask))]);
  return dump(rtnl, 'list links', RTM.GETLINK, body)
    .map((message) => decodeLink(message, statistics))
    .sort((a, b) => a.ifindex - b.ifindex);
}

/**
 * Change a link with one message; fields that are left out stay. Renaming a link that is up needs kernel 6.2.
 * Throws KERNEL_ENODEV, KERNEL_EEXIST (name taken), KERNEL_EINVAL (MTU or size out of range).
 */
export function linkSet(rtnl: Rtnl, ifindex: number, change: LinkChange): void {
  const flags = change.up === undefined ? 0 : IFF_UP;
  const attributes = settingsAttributes(change);
  if (change.alias !== undefined) {
    attributes.push(attribute(IFLA.IFALIAS, new TextEncoder().encode(change.alias)));
  }
  if (change.addrGenMode !== undefined) attributes.push(addrGenModeAttribute(change.addrGenMode));
  if (change.group !== undefined) attributes.push(attribute(IFLA.GROUP, u32(change.group)));
  const header = ifinfomsg(ifindex, change.up ? IFF_UP : 0, flags);
  request(rtnl, `set link #${ifindex}`, RTM.NEWLINK, 0, concat([header, ...attributes]));
}

/**
 * Delete a link (for a veth: both ends). Returns false when there is none. Throws KERNEL_EOPNOTSUPP for a
 * physical one.
 */
export function linkDelete(rtnl: Rtnl, selector: LinkSelector): boolean {
  const byName = 'name' in selector;
  if (byName && !isLinkName(selector.name)) return false;
  const body = byName
    ? concat([ifinfomsg(0), attribute(IFLA.IFNAME, text(selector.name))])
    : ifinfomsg(selector.ifindex);
  const what = `delete link ${byName ? selector.name : `#${selector.ifindex}`}`;
  try {
    request(rtnl, what, RTM.DELLINK, 0, body);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENODEV') return false;
    throw error;
  }
}

/** Devices deleted by one message. The kernel holds its lock of all devices for one batch at a time. */
const BATCH = 64;

/**
 * Delete many links (for a veth: both ends). The kernel waits for every CPU once for each message, so a group
 * takes about as long as a few links. Links that are already gone are skipped.
 * @throws KERNEL_EOPNOTSUPP if one is physical; others of its batch then stay too
 */
export function linksDelete(rtnl: Rtnl, ifindexes: readonly number[]): void {
  for (let start = 0; start < ifindexes.length; start += BATCH) {
    deleteGroup(rtnl, ifindexes.slice(start, start + BATCH));
  }
}

function deleteGroup(rtnl: Rtnl, ifindexes: readonly number[]): void {
  const group = unusedGroup();
  const put = ifindexes.filter((ifindex) => setGroup(rtnl, ifindex, group));
  if (put.length === 0) return;
  const body = concat([ifinfomsg(0), attribute(IFLA.GROUP, u32(group))]);
  try {
    request(rtnl, `delete ${put.length} links`, RTM.DELLINK, 0, body);
  } catch (error) {
    // All of them vanished meanwhile.
    if (errnoOf(error) !== 'ENODEV') throw error;
  }
}

/** A random group: everything in it is deleted, so no device of another program may be in it. */
function unusedGroup(): number {
  return 2 ** 30 + Math.floor(Math.random() * 2 ** 30);
}

function setGroup(rtnl: Rtnl, ifindex: number, group: number): boolean {
  try {
    linkSet(rtnl, ifindex, { group });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENODEV') return false;
    throw error;
  }
}

/**
 * Whether the kernel accepts this as a device name (dev_valid_name): 1 to 15 bytes, no slash, colon or space,
 * not . or ..
 */
function isLinkName(name: string): boolean {
  const length = Buffer.byteLength(name);
  return length > 0 && length < IFNAMSIZ && name !== '.' && name !== '..' && !/[/:\s\0]/.test(name);
}
