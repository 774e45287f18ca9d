/** Shortcuts of this room to the tables of a node. */
import type { Node } from '../control/node.js';
import { entriesRaw } from '../kernel/tables.js';
import type { TableName } from '../model/entry.js';

export { decodeKey, decodeValue } from '../model/entry.js';

/** Entries of a table as bytes, those of an array that are zeros left out. */
export function entriesOf(node: Node, table: TableName) {
  return entriesRaw(node.tables(), table);
}
