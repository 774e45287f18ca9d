/**
 * Endpoints of other nodes in this node's tables: an FDB entry for each MAC and a neighbour entry for each
 * address, written from the cluster's records and kept in no file.
 */

import { DpctlError, errnoOf } from '../../../loader/errors.js';
import { FDB_OFFSETS, FdbFlags, NeighFlags } from '../../contract/generated.js';
import { deleteFdb, putFdb } from '../../datapath/fdb-control.js';
import { areTablesPinned } from '../../datapath/install.js';
import { deleteRaw, entriesRaw, getRaw, putRaw } from '../../datapath/tables.js';
import { ipToBytes16 } from '../../model/address/ip.js';
import { macToBytes } from '../../model/address/mac.js';
import { addressOf } from '../../model/address/prefix.js';
import { type RawEntry, tableEntry } from '../../model/desired/table-entry.js';
import { isExtern } from '../../model/plan/scope.js';
import type { State } from '../../model/state/state.js';
import type { Etcd } from '../../store/etcd/client.js';
import { decode, PREFIXES, SCHEMAS } from '../../store/etcd/records/schema.js';
import { datapathOf, hostPins, type Node } from '../node/node.js';

/** What of an endpoint of another node is needed here. */
export interface RemoteEndpoint {
  /** Name of its node. */
  readonly node: string;
  readonly network: string;
  readonly mac: string;
  readonly ip4?: string | undefined;
  readonly ip6?: string | undefined;
}

/** Numbers by which tables know the names in records, and what this node's own endpoints have. */
export interface Places {
  readonly nodes: ReadonlyMap<string, number>;
  /** Only of networks with a port on this node: no endpoint here sends on others. */
  readonly vnis: ReadonlyMap<string, number>;
  /** `VNI MAC` and `VNI ADDRESS` of endpoints here, which win. */
  readonly own: ReadonlySet<string>;
}

/** The places of a state. */
export function placesOf(state: State): Places {
  const used = new Set(state.endpoints.map(({ network }) => network));
  const vnis = new Map(
    state.networks.filter(({ name }) => used.has(name)).map(({ name, vni }) => [name, vni]),
  );
  const own = new Set<string>();
  for (const { network, mac, ip4, ip6 } of state.endpoints) {
    for (const each of [mac, ip4, ip6]) {
      if (each !== undefined) own.add(`${vnis.get(network)} ${addressOf(each)}`);
    }
  }
  for (const { network, mac } of [...state.staticFdb, ...state.remoteFdb]) {
    own.add(`${vnis.get(network)} ${mac}`);
  }
  for (const { network, ips } of state.remoteFdb) {
    for (const each of ips) own.add(`${vnis.get(network)} ${each}`);
  }
  for (const { name, gateway } of state.networks) {
    for (const each of [gateway?.ip4, gateway?.ip6]) {
      if (each !== undefined) own.add(`${vnis.get(name)} ${addressOf(each)}`);
    }
  }
  return { nodes: new Map(state.nodes.map(({ name, number }) => [name, number])), vnis, own };
}

/** The entries of an endpoint of another node; none where its node or network is not known here. */
export function entriesOf(
  { node, network, mac, ip4, ip6 }: RemoteEndpoint,
  places: Places,
): RawEntry[] {
  const number = places.nodes.get(node);
  const vni = places.vnis.get(network);
  if (number === undefined || vni === undefined || places.own.has(`${vni} ${mac}`)) return [];
  const bytes = macToBytes(mac);
  const flags = FdbFlags.STATIC | FdbFlags.EXTERN;
  const entries = [
    tableEntry(
      'fdb',
      { vni, mac: bytes },
      { ifindex: 0, endpoint: 0, node: number, flags, lastSeen: 0n },
    ),
  ];
  for (const each of [ip4, ip6]) {
    const ip = each === undefined ? undefined : addressOf(each);
    if (ip === undefined || places.own.has(`${vni} ${ip}`)) continue;
    entries.push(
      tableEntry(
        'neigh',
        { vni, ip: ipToBytes16(ip) },
        { mac: bytes, flags: NeighFlags.EXTERN, endpoint: 0 },
      ),
    );
  }
  return entries;
}

/** Write an entry, unless one of this node's own is there. */
function putExtern(node: Node, entry: RawEntry): void {
  const was = getRaw(node.tables(), entry.table, entry.key);
  const there = was === undefined ? undefined : { ...entry, value: was };
  if (there !== undefined && !isExtern(there) && !isFree(there)) return;
  // Mostly there is none, and the datapath need not be asked.
  if (there === undefined && putNew(node, entry)) return;
  if (entry.table === 'fdb') putFdb(datapathOf(node), entry);
  else putRaw(node.tables(), entry);
}

/**
 * Write entries as far as there is room: those that are left out are reached by flooding and learning.
 * @returns how many were written
 */
export function putAll(node: Node, entries: Iterable<RawEntry>): number {
  let written = 0;
  try {
    for (const entry of entries) {
      putExtern(node, entry);
      written++;
    }
  } catch (error) {
    if (!(error instanceof DpctlError) || error.code !== 'MAP_FULL') throw error;
  }
  return written;
}

/** @returns whether it was written: the datapath may have learned the MAC meanwhile */
function putNew(node: Node, entry: RawEntry): boolean {
  try {
    putRaw(node.tables(), entry, 'noexist');
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return false;
  }
}

/** A learned MAC gives way: the cluster knows better. */
function isFree({ table, value }: RawEntry): boolean {
  if (table !== 'fdb') return false;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return view.getUint32(FDB_OFFSETS.flags, true) === 0;
}

/** Delete an entry if it is one from the cluster's records that points to the same place. */
export function deleteExtern(node: Node, entry: RawEntry): void {
  const was = getRaw(node.tables(), entry.table, entry.key);
  if (was === undefined || !isExtern({ ...entry, value: was })) return;
  if (entry.table === 'fdb') deleteFdb(datapathOf(node), entry);
  else if (Buffer.compare(was.subarray(0, 6), entry.value.subarray(0, 6)) === 0) {
    deleteRaw(node.tables(), entry.table, entry.key);
  }
}

/**
 * Make the tables hold just the entries of these endpoints, whatever was there of them.
 * @returns how many entries were written and deleted
 */
export function compareRemoteEntries(
  node: Node,
  endpoints: Iterable<RemoteEndpoint>,
  places: Places,
): { readonly written: number; readonly deleted: number } {
  if (!areTablesPinned(hostPins(node))) return { written: 0, deleted: 0 };
  const wanted = new Map<string, RawEntry>();
  for (const each of endpoints) {
    for (const entry of entriesOf(each, places)) wanted.set(nameOf(entry), entry);
  }
  const stale: RawEntry[] = [];
  for (const table of ['fdb', 'neigh'] as const) {
    for (const [key, value] of entriesRaw(node.tables(), table)) {
      const entry: RawEntry = { table, key, value };
      const name = nameOf(entry);
      const should = wanted.get(name);
      if (should !== undefined && isAsWanted(entry, should)) wanted.delete(name);
      else if (should === undefined && isExtern(entry)) {
        stale.push({ table, key: key.slice(), value: value.slice() });
      }
    }
  }
  for (const entry of stale) deleteExtern(node, entry);
  return { written: putAll(node, wanted.values()), deleted: stale.length };
}

/** Delete all of them. */
export function clearRemoteEntries(node: Node): void {
  compareRemoteEntries(node, [], { nodes: new Map(), vnis: new Map(), own: new Set() });
}

/** Read the endpoints of the other nodes once, and write them. @throws DpctlError CLUSTER_..., exit 5 */
export async function writeRemoteEntries(node: Node, etcd: Etcd, self: string): Promise<void> {
  const { entries } = await etcd.list(PREFIXES.endpoints);
  const others = entries
    .map((entry) => decode(SCHEMAS.endpoint, entry))
    .filter((each) => each.node !== self);
  const { state } = await node.store.load();
  compareRemoteEntries(node, others, placesOf(state));
}

/** Bytes of an FDB entry that say where the MAC is, and of a neighbour that say what it is. */
const ASKED = { fdb: 12, neigh: 8 } as const;

function isAsWanted(is: RawEntry, should: RawEntry): boolean {
  const size = is.table === 'fdb' ? ASKED.fdb : ASKED.neigh;
  return Buffer.compare(is.value.subarray(0, size), should.value.subarray(0, size)) === 0;
}

function nameOf({ table, key }: RawEntry): string {
  return `${table} ${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`;
}
