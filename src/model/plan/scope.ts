/** The part of a node that a plan is about, and the entries that a state wants there. */
import { FDB_OFFSETS, FdbFlags, NEIGH_OFFSETS, NeighFlags } from '../../contract/generated.js';
import {
  networkEntry,
  reachEntries,
  sourceEntries,
  staticEntries,
  wantedPorts,
} from '../desired/desired.js';
import { nodeEntries, replicaEntries, underlayEntry, vniEntries } from '../desired/overlay.js';
import { ownPrefixEntries } from '../desired/prefixes.js';
import { segmentEntries } from '../desired/segment.js';
import { decodeValue, type RawEntry } from '../desired/table-entry.js';
import type { Network, Remote, State } from '../state/state.js';

/** What a plan is about: the whole node, or what a command names. */
export type Scope =
  | 'node'
  | {
      readonly endpoints: ReadonlySet<number>;
      readonly networks: ReadonlySet<string>;
      /** Numbers of other nodes. */
      readonly nodes?: ReadonlySet<number> | undefined;
    };

/** True when the scope includes this other node. */
export function nodeInScope(scope: Scope, number: number): boolean {
  return scope === 'node' || scope.nodes?.has(number) === true;
}

/** Networks whose entry is in scope: it contains the length of the longest list of nodes. */
export function scopedNetworks({ networks }: State, scope: Scope): Network[] {
  if (scope === 'node' || (scope.nodes?.size ?? 0) > 0) return [...networks];
  return networks.filter(({ name }) => scope.networks.has(name));
}

/** The slots in the lists of nodes that a change of a network or a node affects. */
export function scopedReplicas(state: State, scope: Scope): RawEntry[] {
  const nodes = state.nodes.filter(({ number }) => nodeInScope(scope, number));
  return state.networks.flatMap((network) => {
    const whole = scope === 'node' || scope.networks.has(network.name);
    const members: readonly Remote[] = whole ? state.nodes : nodes;
    return members.flatMap((node) => replicaEntries(state, network, node));
  });
}

/** The VNIs on the wire of the networks in scope. */
export function scopedVnis(state: State, scope: Scope): RawEntry[] {
  return state.networks
    .filter(({ name }) => scope === 'node' || scope.networks.has(name))
    .flatMap((network) => vniEntries(state, network));
}

/** The entries of the nodes in scope. */
export function scopedNodes(state: State, scope: Scope): RawEntry[] {
  return state.nodes
    .filter(({ number }) => nodeInScope(scope, number))
    .flatMap((node) => nodeEntries(state, node));
}

/** True when the scope includes this endpoint. */
export function inScope(scope: Scope, id: number): boolean {
  return scope === 'node' || scope.endpoints.has(id);
}

/** Every entry that a state wants in scope, in the order in which they are written. */
export function scopedEntries(state: State, scope: Scope): RawEntry[] {
  const ports = wantedPorts(state).filter(({ endpoint }) => inScope(scope, endpoint.id));
  return [
    scopedNetworks(state, scope).map((network) => networkEntry(state, network)),
    scopedNetworks(state, scope).flatMap(segmentEntries),
    scopedNetworks(state, scope).flatMap(ownPrefixEntries),
    scopedNodes(state, scope),
    scope === 'node' ? underlayEntry(state) : [],
    scopedVnis(state, scope),
    scopedReplicas(state, scope),
    ports.flatMap(sourceEntries),
    ports.flatMap(reachEntries),
    staticEntries(state).filter((entry) => inScope(scope, endpointOfFdb(entry))),
  ].flat();
}

/** The endpoint that an entry of the FDB names. */
export function endpointOfFdb({ value }: RawEntry): number {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return view.getUint16(FDB_OFFSETS.endpoint, true);
}

/** The endpoint that an entry of any table is about; 0: none. */
export function endpointOfEntry({ table, value }: RawEntry): number {
  if (table === 'endpoint' || table === 'endpointx') return decodeValue(table, value).id;
  if (table === 'fdb' || table === 'neigh' || table === 'port') {
    return decodeValue(table, value).endpoint;
  }
  return 0;
}

/** The other node that an entry of the FDB names; 0: none. */
export function nodeOfFdb({ value }: RawEntry): number {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return view.getUint16(FDB_OFFSETS.node, true);
}

/** An entry from the cluster's records, which the agent writes and deletes, whatever is desired here. */
export function isExtern({ table, value }: RawEntry): boolean {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (table === 'fdb') {
    return (view.getUint32(FDB_OFFSETS.flags, true) & FdbFlags.EXTERN) !== 0;
  }
  if (table !== 'neigh') return false;
  return (view.getUint16(NEIGH_OFFSETS.flags, true) & NeighFlags.EXTERN) !== 0;
}

/** A learned entry of the FDB has no flags. */
export function isLearned({ table, value }: RawEntry): boolean {
  if (table !== 'fdb') return false;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return view.getUint32(FDB_OFFSETS.flags, true) === 0;
}
