/** Shortcuts of this room to the tables of a node. */
import type { Node } from '../../control/node/node.js';
import { entriesRaw } from '../../datapath/tables.js';
import type { TableName } from '../../model/desired/table-entry.js';

export { decodeKey, decodeValue } from '../../model/desired/table-entry.js';

/** Entries of a table as bytes, without zero entries of an array. */
export function entriesOf(node: Node, table: TableName) {
  return entriesRaw(node.tables(), table);
}
