/** node add, del and list: the other nodes that this one exchanges frames with. */

import { advice, run } from '../../../loader/hint.js';
import type { ChangeOptions } from '../../api/change.js';
import type {
  NodeAddRequest,
  NodeChange,
  NodeDeleteRequest,
  NodeRow,
} from '../../api/remote-node.js';
import { addNode, deleteNode } from '../../model/overlay/remotes.js';
import type { State } from '../../model/state/state.js';
import { change, type Edited } from '../change/change.js';
import { nodeRows } from '../endpoint/state-rows.js';
import type { Node } from '../node/node.js';

/** Add a node, or change the address of a known one. */
export async function nodeAdd(
  node: Node,
  request: NodeAddRequest,
  options: ChangeOptions = {},
): Promise<NodeChange> {
  const changed = await change(node, options, (before) => {
    const created = !before.nodes.some(({ name }) => name === request.name);
    const edit = addNode(before, request);
    return edited(edit.state, edit.node.number, { created });
  });
  const row = nodeRows(changed.state).find(({ name }) => name === request.name);
  const notes =
    changed.state.underlay === undefined
      ? [...changed.notes, advice`there is no underlay yet: ${run`underlay set DEV`}`]
      : changed.notes;
  return { ...changed, notes, ...(row === undefined ? {} : { node: row }), ...changed.result };
}

/** Forget a node and what is behind it. A missing node is no error. */
export async function nodeDelete(
  node: Node,
  request: NodeDeleteRequest,
  options: ChangeOptions = {},
): Promise<NodeChange> {
  const changed = await change(node, options, (before) => {
    const row = nodeRows(before).find(({ name }) => name === request.name);
    return edited(deleteNode(before, request.name), row?.number, row);
  });
  const row = changed.result;
  return row === undefined ? changed : { ...changed, node: row };
}

/** All nodes that this one knows. */
export async function nodeList(node: Node): Promise<NodeRow[]> {
  return nodeRows((await node.store.load()).state);
}

function edited<T>(state: State, number: number | undefined, result: T): Edited<T> {
  const nodes = new Set(number === undefined ? [] : [number]);
  return { state, scope: { endpoints: new Set(), networks: new Set(), nodes }, result };
}
