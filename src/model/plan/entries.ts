/** Steps that bring the tables to their wanted content. */
import {
  FDB_OFFSETS,
  NEIGH_OFFSETS,
  NeighFlags,
  SEGMENT_OFFSETS,
} from '../../contract/generated.js';
import type { RawEntry, TableName } from '../desired/table-entry.js';
import type { State } from '../state/state.js';
import { entryName, type Observed } from './observed.js';
import { isExtern, isLearned, type Scope, scopedEntries } from './scope.js';
import type { Step } from './step.js';

/**
 * Entries that exist and are not wanted. Learned MACs, and what the agent writes for the cluster, are not part
 * of the desired state and stay.
 */
export function staleEntries(
  before: State,
  scope: Scope,
  observed: Observed,
  wanted: ReadonlyMap<string, RawEntry>,
): RawEntry[] {
  const ours = scope === 'node' ? undefined : new Set(scopedEntries(before, scope).map(entryName));
  return [...observed.entries].flatMap(([name, entry]) => {
    if (wanted.has(name) || (ours !== undefined && !ours.has(name))) return [];
    return isLearned(entry) || isExtern(entry) ? [] : [entry];
  });
}

/** Deletions of stale entries, table by table. */
export function deletions(stale: readonly RawEntry[], tables: readonly TableName[]): Step[] {
  return tables.flatMap((table) =>
    stale
      .filter((entry) => entry.table === table)
      .map((entry): Step => ({ op: 'table.delete', entry })),
  );
}

/** The step that writes an entry; none if it is already there. */
export function putSteps(entry: RawEntry, observed: Observed): Step[] {
  const was = observed.entries.get(entryName(entry));
  return was !== undefined && sameValue(entry, was) ? [] : [{ op: 'table.put', entry, was }];
}

/** Whether two values of one table request the same, whatever the datapath has written into them. */
function sameValue(a: RawEntry, b: RawEntry): boolean {
  return Buffer.compare(askedValue(a), askedValue(b)) === 0;
}

/**
 * The part of a value that the user requested: not the times of the FDB, nor who was last seen with an
 * address.
 */
function askedValue({ table, value }: RawEntry): Uint8Array {
  if (table === 'fdb') return value.subarray(0, FDB_OFFSETS.lastSeen);
  if (table === 'segment') return value.subarray(0, SEGMENT_OFFSETS.mask6 + 16);
  if (table !== 'neigh') return value;
  const asked = value.slice();
  const view = new DataView(asked.buffer);
  const flags = view.getUint16(NEIGH_OFFSETS.flags, true);
  view.setUint16(NEIGH_OFFSETS.flags, flags & ~NeighFlags.MOVED, true);
  return asked;
}
