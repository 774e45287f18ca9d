/** The part of a node that a plan is about, and the entries that a state wants of it. */
import { FDB_OFFSETS } from '../../contract/generated.js';
import {
  networkEntry,
  reachEntries,
  sourceEntries,
  staticEntries,
  wantedPorts,
} from '../desired.js';
import type { RawEntry } from '../entry.js';
import type { State } from '../state.js';

/** What a plan is about: all of the node, or the endpoints and networks that a command names. */
export type Scope =
  | 'node'
  | { readonly endpoints: ReadonlySet<number>; readonly networks: ReadonlySet<string> };

/** True when the scope has this endpoint. */
export function inScope(scope: Scope, id: number): boolean {
  return scope === 'node' || scope.endpoints.has(id);
}

/** Every entry that a state wants of the scope, in the order in which they are written. */
export function scopedEntries(state: State, scope: Scope): RawEntry[] {
  const ports = wantedPorts(state).filter(({ endpoint }) => inScope(scope, endpoint.id));
  const networks = state.networks.filter(
    ({ name }) => scope === 'node' || scope.networks.has(name),
  );
  return [
    ...networks.map((network) => networkEntry(state, network)),
    ...ports.flatMap(sourceEntries),
    ...ports.flatMap(reachEntries),
    ...staticEntries(state).filter((entry) => inScope(scope, endpointOfFdb(entry))),
  ];
}

/** The endpoint that an entry of the FDB names. */
export function endpointOfFdb({ value }: RawEntry): number {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return view.getUint32(FDB_OFFSETS.endpoint, true);
}

/** A learned entry of the FDB has no flags. */
export function isLearned({ table, value }: RawEntry): boolean {
  if (table !== 'fdb') return false;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return view.getUint32(FDB_OFFSETS.flags, true) === 0;
}
