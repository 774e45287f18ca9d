/** The kernel's tables, read and decoded without the code that wrote them. */
import { existsSync } from 'node:fs';
import { mapEntries } from '../../../loader/map/batch.js';
import { closeMap, openPinnedMap } from '../../../loader/map/info.js';
import { EndpointFlags, FdbFlags, MAPS } from '../../../src/contract/generated.js';
import { linkDump } from '../../../src/linux/netlink/link.js';
import type { World } from './world.js';

/** IPv4 in the tables' form: mapped into IPv6 (RFC 4291, 2.5.5.2), in hexadecimal. */
export const mapped = (ip: string): string =>
  `${'0'.repeat(20)}ffff${Buffer.from(ip.split('.').map(Number)).toString('hex')}`;

/** The same of an IPv6 address such as fd77:1::2. */
export function bare(ip: string): string {
  const [head = '', tail = ''] = ip.split('::');
  const groups = (text: string): string[] => text.split(':').map((group) => group.padStart(4, '0'));
  const [start, end] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - start.length - end.length }, () => '0000');
  return [...start, ...zeros, ...end].join('');
}

/** Entries of a table; of an array, those that are not zero. */
export function rows(world: World, table: keyof typeof MAPS): [DataView, DataView][] {
  const path = `${world.node.paths.mapsDir}/${MAPS[table].name}`;
  // A node without any request has no tables.
  if (!existsSync(path)) return [];
  const map = openPinnedMap(path);
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    return [...mapEntries(map)]
      .filter(([, value]) => value.some((byte) => byte !== 0))
      .map(([key, value]) => [view(key), view(value)]);
  } finally {
    closeMap(map);
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const mac = (bytes: Uint8Array): string => text(bytes).replace(/..(?!$)/g, '$&:');

/** `VNI MAC own|gateway|static`; learned entries are left out. */
export function fdbLines(world: World): string[] {
  return rows(world, 'fdb').flatMap(([k, v]) => {
    const key = MAPS.fdb.key.decode(k);
    const { flags } = MAPS.fdb.value.decode(v);
    if (flags === 0) return [];
    const own = (flags & FdbFlags.ENDPOINT) !== 0;
    const kind = (flags & FdbFlags.GATEWAY) !== 0 ? 'gateway' : own ? 'own' : 'static';
    return [`${key.vni} ${mac(key.mac)} ${kind}`];
  });
}

/** `VNI ADDRESS MAC`, the address as 32 hexadecimal digits. */
export function neighLines(world: World): string[] {
  return rows(world, 'neigh').map(([k, v]) => {
    const key = MAPS.neigh.key.decode(k);
    return `${key.vni} ${text(key.ip)} ${mac(MAPS.neigh.value.decode(v).mac)}`;
  });
}

/** `VNI AGEING`. */
export function networkLines(world: World): string[] {
  return rows(world, 'network').map(([, v]) => {
    const { vni, ageing } = MAPS.network.value.decode(v);
    return `${vni} ${ageing}`;
  });
}

/** `MAC lock|open`. */
export function endpointLines(world: World): string[] {
  return rows(world, 'endpoint').map(([, v]) => {
    const value = MAPS.endpoint.value.decode(v);
    return `${mac(value.mac)} ${(value.flags & EndpointFlags.LOCK) !== 0 ? 'lock' : 'open'}`;
  });
}

/** A veth in the node's namespace. */
export interface HostLink {
  readonly name: string;
  readonly alias: string;
  readonly mac: string;
}

/** Those veths, by name. */
export function hostLinks({ node }: World): Map<string, HostLink> {
  const links = linkDump(node.rtnl()).filter(({ kind }) => kind === 'veth');
  return new Map(
    links.map(({ name, alias = '', mac: address }) => [name, { name, alias, mac: address }]),
  );
}
