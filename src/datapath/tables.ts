/**
 * The datapath's maps as typed tables. The contract lists the maps and the byte layout of their keys and
 * values; the loader reaches the maps.
 */

import { join } from 'node:path';
import { DpctlError, errnoOf } from '../../loader/errors.js';
import { run } from '../../loader/hint.js';
import { mapEntries } from '../../loader/map/batch.js';
import { mapDelete, mapGet, mapPut, type UpdateFlag } from '../../loader/map/entry.js';
import { type BpfMap, closeMap, mapLayout, openPinnedMap } from '../../loader/map/info.js';
import { withPinned } from '../../loader/pin.js';
import { MAPS } from '../contract/generated.js';
import { isArrayTable, type RawEntry, type TableName } from '../model/desired/table-entry.js';
import { orReset } from './refusals.js';

/** The open tables of a node. Each is opened on first use. */
export interface Tables {
  /** @throws DpctlError NOT_INSTALLED when the map is not pinned there */
  map(name: TableName): BpfMap;
  /** Close tables whose pins have been replaced: another process has made new ones. */
  refresh(): void;
  close(): void;
}

/**
 * @param mapsDir directory of the bpffs that holds the pinned maps
 */
export function openTables(mapsDir: string): Tables {
  const open = new Map<TableName, BpfMap>();
  return {
    map(name) {
      const known = open.get(name);
      if (known !== undefined) return known;
      const map = openMap(join(mapsDir, MAPS[name].name));
      open.set(name, map);
      return map;
    },
    refresh() {
      for (const [name, map] of open) {
        if (pinnedId(join(mapsDir, MAPS[name].name)) === map.id) continue;
        open.delete(name);
        closeMap(map);
      }
    },
    close() {
      for (const map of open.values()) closeMap(map);
      open.clear();
    },
  };
}

/** Id of the pinned map; undefined if there is none. */
function pinnedId(path: string): number | undefined {
  try {
    return orReset(() => withPinned(path, 'map', mapLayout).id);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function openMap(path: string): BpfMap {
  try {
    return orReset(() => openPinnedMap(path));
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause;
    throw new DpctlError('NOT_INSTALLED', `no table is pinned at ${path}`, {
      exitCode: 3,
      hint: run`reconcile`,
      cause,
    });
  }
}

/** The bytes of one value, or undefined. In an array table, an entry of zeros counts as no entry. */
export function getRaw(tables: Tables, table: TableName, key: Uint8Array): Uint8Array | undefined {
  const value = mapGet(tables.map(table), key);
  if (value === undefined || (isArrayTable(table) && value.every((byte) => byte === 0)))
    return undefined;
  return value;
}

/**
 * Write one entry, new or not.
 * @param flag 'noexist': only if there is none yet
 * @throws DpctlError MAP_FULL when the table has no room; KERNEL_EEXIST (exit 2) if there is one already
 */
export function putRaw(
  tables: Tables,
  { table, key, value }: RawEntry,
  flag: UpdateFlag = 'any',
): void {
  const map = tables.map(table);
  try {
    mapPut(map, key, value, flag);
  } catch (cause) {
    throw fullError(table, map.maxEntries, cause);
  }
}

function fullError(table: TableName, size: number, cause: unknown): unknown {
  if (errnoOf(cause) !== 'E2BIG') return cause;
  return new DpctlError('MAP_FULL', `the ${table} table is full (${size} entries)`, {
    exitCode: 2,
    hint: run`dump ${table}`,
    details: { table, size },
    cause,
  });
}

/** Delete one entry; in an array table it becomes zeros. False if there was none. */
export function deleteRaw(tables: Tables, table: TableName, key: Uint8Array): boolean {
  const map = tables.map(table);
  if (!isArrayTable(table)) return mapDelete(map, key);
  const had = getRaw(tables, table, key) !== undefined;
  if (had) mapPut(map, key, new Uint8Array(map.valueSize));
  return had;
}

/** All entries of a table; zero entries of an array are left out. */
export function* entriesRaw(
  tables: Tables,
  table: TableName,
): Generator<readonly [Uint8Array, Uint8Array]> {
  const array = isArrayTable(table);
  for (const entry of mapEntries(tables.map(table))) {
    if (array && entry[1].every((byte) => byte === 0)) continue;
    yield entry;
  }
}
