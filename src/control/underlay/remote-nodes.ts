/** node add, del and list: the other nodes that this one exchanges frames with. */

import { advice, run } from '../../../loader/hint.js';
import type { ChangeOptions } from '../../api/change.js';
import type {
  RemoteNodeAddRequest,
  RemoteNodeChange,
  RemoteNodeDeleteRequest,
  RemoteNodeRow,
} from '../../api/remote-node.js';
import { addRemote, deleteRemote } from '../../model/overlay/remotes.js';
import type { State } from '../../model/state/state.js';
import { change, type Edited } from '../change/change.js';
import { remoteNodeRows } from '../endpoint/state-rows.js';
import type { Node } from '../node/node.js';

/** Add a node, or change the address or the prefixes of a known one. */
export async function remoteNodeAdd(
  node: Node,
  request: RemoteNodeAddRequest,
  options: ChangeOptions = {},
): Promise<RemoteNodeChange> {
  const changed = await change(node, options, (before) => {
    const created = !before.nodes.some(({ name }) => name === request.name);
    const edit = addRemote(before, request);
    return edited(edit.state, edit.node.number, { created });
  });
  const row = remoteNodeRows(changed.state).find(({ name }) => name === request.name);
  const notes =
    changed.state.underlay === undefined
      ? [...changed.notes, advice`there is no underlay yet: ${run`underlay set DEV`}`]
      : changed.notes;
  return { ...changed, notes, ...(row === undefined ? {} : { node: row }), ...changed.result };
}

/** Forget a node and what is behind it. A missing node is no error. */
export async function remoteNodeDelete(
  node: Node,
  request: RemoteNodeDeleteRequest,
  options: ChangeOptions = {},
): Promise<RemoteNodeChange> {
  const changed = await change(node, options, (before) => {
    const row = remoteNodeRows(before).find(({ name }) => name === request.name);
    return edited(deleteRemote(before, request.name), row?.number, row);
  });
  const row = changed.result;
  return row === undefined ? changed : { ...changed, node: row };
}

/** All nodes that this one knows. */
export async function remoteNodeList(node: Node): Promise<RemoteNodeRow[]> {
  return remoteNodeRows((await node.store.load()).state);
}

function edited<T>(state: State, number: number | undefined, result: T): Edited<T> {
  const nodes = new Set(number === undefined ? [] : [number]);
  return { state, scope: { endpoints: new Set(), networks: new Set(), nodes }, result };
}
