/** fdb.forget and node.forget: MACs learned behind an endpoint or a node that is removed. */
import { forgetLearned } from '../../datapath/fdb-control.js';
import { putRaw } from '../../datapath/tables.js';
import { tableEntry, tableKey } from '../../model/desired/table-entry.js';
import type { StepOf } from '../../model/plan/plan.js';
import { datapathOf } from '../node/node.js';
import { nothingToUndo, type StepActions } from './actions.js';

/** Forget MACs behind an endpoint. */
export const fdbForget: StepActions<StepOf<'fdb.forget'>> = {
  execute(node, { id }) {
    forgetLearned(datapathOf(node), (entry) => entry.node === 0 && entry.endpoint === id);
  },
  undo: nothingToUndo,
  describe: ({ id }) => ({ subject: `endpoint ${id}` }),
  omittedByReset: true,
};

/** Forget MACs behind a node, and its counters. */
export const nodeForget: StepActions<StepOf<'node.forget'>> = {
  execute(node, { number }) {
    forgetLearned(datapathOf(node), (entry) => entry.node === number);
    const stats = node.tables().map('nodestat');
    const value = new Uint8Array(stats.bufferSize);
    putRaw(node.tables(), { table: 'nodestat', key: tableKey('nodestat', number), value });
    putRaw(node.tables(), tableEntry('nodelearn', number, { count: 0 }));
  },
  undo: nothingToUndo,
  describe: ({ number }) => ({ subject: `node ${number}` }),
  omittedByReset: true,
};
