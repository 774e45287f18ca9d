/** dump: what the kernel's tables hold, row by row, with names where there are names. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import type { Node } from '../../control/node/node.js';
import { hostPath } from '../../linux/mountns.js';
import { isThere } from '../../linux/presence.js';
import { configRows, endpointRows, neighRows, networkRows } from './config.js';
import { fdbRows } from './fdb.js';
import { type Names, namesOf } from './names.js';
import { nodeRows } from './nodes.js';
import { programRows } from './progs.js';
import { statsRows } from './stats.js';

/** What can be dumped. */
export const DUMP_TABLES = [
  'fdb',
  'neigh',
  'endpoints',
  'nodes',
  'networks',
  'config',
  'stats',
  'progs',
] as const;
export type DumpTable = (typeof DUMP_TABLES)[number];

/** A row of any table: flat, keys as iproute2 writes them. */
export type DumpRow = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Rows of a table; one that may be long has them as JSON, too: in chunks, with commas between rows. */
export interface DumpRows extends Iterable<DumpRow> {
  readonly json?: Iterable<Uint8Array>;
}

/**
 * Rows of one table, read from the kernel as they are consumed. A node that was never used has
 * none.
 * @throws DpctlError TABLE_UNKNOWN, exit 1
 */
export async function dump(node: Node, table: string): Promise<DumpRows> {
  const read = READERS[table as DumpTable];
  if (read === undefined) {
    throw new DpctlError('TABLE_UNKNOWN', `there is no table ${table}`, {
      exitCode: 1,
      hint: advice`${run`dump`} ${DUMP_TABLES.join('|')}`,
    });
  }
  const names = await namesOf(node);
  node.refresh();
  return isThere(hostPath(node.paths.mapsDir)) ? read(node, names) : [];
}

const READERS: Readonly<Record<DumpTable, (node: Node, names: Names) => DumpRows>> = {
  fdb: fdbRows,
  neigh: neighRows,
  endpoints: endpointRows,
  nodes: nodeRows,
  networks: networkRows,
  config: configRows,
  stats: statsRows,
  progs: programRows,
};
