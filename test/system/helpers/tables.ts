/** The kernel's tables of a node, read without dpctl. */
import { join } from 'node:path';
import { mapPutBatch } from '../../../loader/map/batch.js';
import { MAPS } from '../../../src/contract/generated.js';
import { entriesRaw, openTables } from '../../../src/datapath/tables.js';
import { bytesToMac } from '../../../src/model/address/mac.js';
import {
  decodeKey,
  decodeValue,
  type RawEntry,
  type TableName,
} from '../../../src/model/desired/table-entry.js';
import type { Lab } from './lab.js';

/** Where the maps of a node are pinned. */
export function mapsDir(lab: Lab): string {
  return join(lab.root, 'run/dpctl/bpf/maps');
}

/** Path of a pinned map. */
export function mapPath(lab: Lab, table: TableName): string {
  return join(mapsDir(lab), MAPS[table].name);
}

/** Learned MACs with their host ends, including expired ones. */
export function learnedMacs(lab: Lab): { mac: string; ifindex: number }[] {
  return entriesOf(lab, 'fdb').flatMap(({ key, value }) => {
    const { flags, ifindex } = decodeValue('fdb', value);
    return flags === 0 ? [{ mac: bytesToMac(decodeKey('fdb', key).mac), ifindex }] : [];
  });
}

/** All entries of a table. */
export function entriesOf(lab: Lab, table: TableName): RawEntry[] {
  const tables = openTables(mapsDir(lab));
  try {
    return [...entriesRaw(tables, table)].map(([key, value]) => ({ table, key, value }));
  } finally {
    tables.close();
  }
}

/** Write entries into a table from outside dpctl. */
export function putEntries(lab: Lab, entries: readonly RawEntry[]): void {
  const [first] = entries;
  if (first === undefined) return;
  const tables = openTables(mapsDir(lab));
  try {
    const join = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
    const keys = join(entries.map(({ key }) => key));
    const values = join(entries.map(({ value }) => value));
    mapPutBatch(tables.map(first.table), keys, values, entries.length);
  } finally {
    tables.close();
  }
}
