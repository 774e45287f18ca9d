/** Edits of the nodes that this one knows. Each returns a new state, or the same one if nothing changes. */

import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { NODE_MAX, REPLICA_MAX } from '../../contract/generated.js';
import { familyOf } from '../address/ip.js';
import { lowestFree } from '../network/ipam.js';
import { listText, NETWORK_DEFAULT } from '../state/lookup.js';
import { checkNodeName } from '../state/names.js';
import type { Remote, State } from '../state/state.js';
import { chooseNodePrefixes, type NodePrefixRequest } from './node-prefixes.js';
import { checkOwnVtep, checkVtep } from './underlay.js';

/** A state after an edit of a node. */
export interface RemoteEdit {
  readonly state: State;
  readonly node: Remote;
  readonly changed: boolean;
}

/** A request for a node. A field that is left out keeps its present value. */
export interface RemoteRequest extends Partial<NodePrefixRequest> {
  readonly name: string;
  /** Its address on the underlay; a new node needs one. */
  readonly vtep?: string | undefined;
}

/**
 * Add a node, or change the address or the prefixes of a known one.
 * @throws DpctlError, exit 3: NODE_NOT_FOUND (a new node without an address), and those of
 *   {@link chooseNodePrefixes}; exit 1: NODE_NAME_INVALID, ADDRESS_INVALID, VTEP_INVALID, VTEP_IN_USE (another node
 *   has it), VTEP_IS_NODE (this node has it), VTEP_FAMILY, NODE_LIMIT, REPLICATION_LIMIT
 */
export function addRemote(state: State, request: RemoteRequest): RemoteEdit {
  const name = checkNodeName(request.name);
  const vtep = checkVtep(
    request.vtep ?? requireNode(state, name).vtep,
    (text) => run`node add ${name} --vtep ${text}`,
  );
  const old = state.nodes.find((each) => each.name === name);
  const { network = NETWORK_DEFAULT } = request;
  const prefixes = chooseNodePrefixes(state, name, old, { ...request, network });
  const others = state.nodes.filter((each) => each !== old);
  const holder = others.find((each) => each.vtep === vtep);
  if (holder !== undefined) {
    throw new DpctlError('VTEP_IN_USE', `${vtep} is the address of node ${holder.name}`, {
      exitCode: 1,
      hint: advice`${run`node del ${holder.name}`}, if it is the same node under another name`,
      details: { vtep, node: holder.name },
    });
  }
  const node: Remote = { name, number: old?.number ?? freeNumber(state), vtep, ...prefixes };
  if (isDeepStrictEqual(old, node)) return { state, node, changed: false };
  if (state.resolvedUnderlay !== undefined) checkOwnVtep([node], state.resolvedUnderlay.vtep);
  const stranger = others.find((each) => familyOf(each.vtep) !== familyOf(vtep));
  if (stranger !== undefined) throw otherFamily(node, stranger);
  const nodes = [...others, node].sort((a, b) => a.number - b.number);
  const edited = { ...state, nodes };
  checkReplication(edited);
  return { state: edited, node, changed: true };
}

/** A state without a node and the static MACs behind it. A missing node gives the same state. */
export function deleteRemote(state: State, name: string): State {
  const node = state.nodes.find((each) => each.name === name);
  if (node === undefined) return state;
  return {
    ...state,
    nodes: state.nodes.filter((each) => each !== node),
    remoteFdb: state.remoteFdb.filter((each) => each.node !== node.number),
  };
}

/**
 * Find a node by name.
 * @throws DpctlError NODE_NOT_FOUND, exit 3
 */
export function requireNode(state: State, name: string): Remote {
  const node = state.nodes.find((each) => each.name === name);
  if (node !== undefined) return node;
  const known = state.nodes.map((each) => each.name);
  const list = known.length === 0 ? 'there are none' : `there is ${listText(known)}`;
  throw new DpctlError('NODE_NOT_FOUND', `no node ${name}: ${list}`, {
    exitCode: 3,
    hint: run`node add ${name} --vtep ADDRESS`,
    details: { node: name, nodes: known },
  });
}

/**
 * Check that the replication lists fit: every node is in every network's list, and all lists share a table.
 * @throws DpctlError REPLICATION_LIMIT, exit 1
 */
export function checkReplication({ nodes, networks }: Pick<State, 'nodes' | 'networks'>): void {
  const copies = nodes.length * networks.length;
  if (copies <= REPLICA_MAX) return;
  throw new DpctlError(
    'REPLICATION_LIMIT',
    `${nodes.length} nodes in ${networks.length} networks need ${copies} replication entries, and there is room for ${REPLICA_MAX}`,
    {
      exitCode: 1,
      hint: advice`delete networks or nodes that are not needed: ${run`network list`}, ${run`node list`}`,
      details: { nodes: nodes.length, networks: networks.length, max: REPLICA_MAX },
    },
  );
}

function freeNumber({ nodes }: State): number {
  const number = lowestFree(
    nodes.map((each) => each.number),
    1,
    NODE_MAX - 1,
  );
  if (number !== undefined) return number;
  throw new DpctlError('NODE_LIMIT', `a node has at most ${NODE_MAX - 1} other nodes`, {
    exitCode: 1,
    hint: advice`delete one that is not needed: ${run`node list`}, ${run`node del NAME`}`,
    details: { max: NODE_MAX - 1 },
  });
}

function otherFamily({ name, vtep }: Remote, other: Remote): DpctlError {
  const [family, theirs] = [familyOf(vtep), familyOf(other.vtep)];
  return new DpctlError(
    'VTEP_FAMILY',
    `${vtep} is IPv${family}, and node ${other.name} has the IPv${theirs} address ${other.vtep}: all nodes share one underlay`,
    {
      exitCode: 1,
      hint: run`node add ${name} --vtep IPV${theirs}-ADDRESS`,
      details: { vtep, node: other.name, theirs: other.vtep },
    },
  );
}
