/** dump: the content of the kernel's tables, row by row, with names for numbers. */

import type { DumpRows, DumpTable } from '../../api/dump.js';
import type { Node } from '../../control/node/node.js';
import { hostPath } from '../../linux/mountns.js';
import { isThere } from '../../linux/path-status.js';
import { configRows, endpointRows, neighRows, networkRows } from './config.js';
import { fdbRows } from './fdb.js';
import { type Names, namesOf } from './names.js';
import { nodeRows, prefixRows } from './nodes.js';
import { programRows } from './progs.js';
import { statsRows } from './stats.js';

/**
 * Rows of a table. A table that may be long also offers them as JSON: in chunks, with commas between rows.
 */
export interface Listing<Row> extends Iterable<Row> {
  readonly json?: Iterable<Uint8Array>;
}

/** Rows of one table, read from the kernel as they are consumed. None on a node that was never used. */
export async function dump<Table extends DumpTable>(
  node: Node,
  table: Table,
): Promise<Listing<DumpRows[Table]>> {
  const names = await namesOf(node);
  node.refresh();
  return isThere(hostPath(node.paths.mapsDir)) ? READERS[table](node, names) : [];
}

const READERS: {
  readonly [Table in DumpTable]: (node: Node, names: Names) => Listing<DumpRows[Table]>;
} = {
  fdb: fdbRows,
  neigh: neighRows,
  endpoints: endpointRows,
  nodes: nodeRows,
  prefixes: prefixRows,
  networks: networkRows,
  config: configRows,
  stats: statsRows,
  progs: programRows,
};
