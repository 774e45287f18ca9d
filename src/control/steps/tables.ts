/** table.put, table.delete and stats.clear: configuration in the datapath's tables. */
import { deleteFdb, putFdb } from '../../datapath/fdb-control.js';
import { deleteRaw, putRaw } from '../../datapath/tables.js';
import { entryText } from '../../model/desired/entry-text.js';
import { type RawEntry, tableEntry } from '../../model/desired/table-entry.js';
import { isLearned, type StepOf, statsKey } from '../../model/plan/plan.js';
import { datapathOf, type Node } from '../node/node.js';
import { nothingToUndo, type StepActions, type StepText } from './actions.js';

/** Add an entry or change its value. */
export const tablePut: StepActions<StepOf<'table.put'>> = {
  execute: (node, { entry }) => put(node, entry),
  undo(node, { entry, was }) {
    if (was !== undefined && !isLearned(was)) put(node, was);
    else remove(node, entry);
  },
  describe,
  omittedByReset: true,
};

/** Delete an entry. */
export const tableDelete: StepActions<StepOf<'table.delete'>> = {
  execute: (node, { entry }) => remove(node, entry),
  undo: (node, { entry }) => put(node, entry),
  describe,
  omittedByReset: true,
};

/** Reset the counters of an endpoint. */
export const statsClear: StepActions<StepOf<'stats.clear'>> = {
  execute(node, { id }) {
    const map = node.tables().map('epstat');
    const value = new Uint8Array(map.bufferSize);
    putRaw(node.tables(), { table: 'epstat', key: statsKey(id), value });
    putRaw(node.tables(), tableEntry('learned', id, { count: 0 }));
  },
  undo: nothingToUndo,
  describe: ({ id }) => ({ subject: `endpoint ${id}` }),
  omittedByReset: true,
};

function describe({ entry }: { readonly entry: RawEntry }): StepText {
  return { subject: entry.table, detail: entryText(entry) };
}

function put(node: Node, entry: RawEntry): void {
  if (entry.table === 'fdb') putFdb(datapathOf(node), entry);
  else putRaw(node.tables(), entry);
}

function remove(node: Node, entry: RawEntry): void {
  if (entry.table === 'fdb') deleteFdb(datapathOf(node), entry);
  else deleteRaw(node.tables(), entry.table, entry.key);
}
