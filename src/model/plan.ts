/**
 * plan(desired, observed) -> the steps that make the kernel what was asked, in an order in
 * which no frame goes astray: an endpoint knows its own source before its program runs, and
 * others learn of it only when it can receive; on the way out it is the other way round.
 * Pure: no step is taken here.
 */

import { FDB_OFFSETS } from '../contract/generated.js';
import {
  type Masquerade,
  networkEntry,
  type Port,
  reachEntries,
  sourceEntries,
  staticEntries,
  wantedMasquerades,
  wantedPorts,
  wantedSysctls,
} from './desired.js';
import { type RawEntry, type TableName, tableKey } from './entry.js';
import { entryName, type Observed, type ObservedDevice, type ObservedPort, type Stray } from './observed.js';
import type { Endpoint, State } from './state.js';

/** Settings of a device that a step changes. */
export interface DeviceSettings {
  readonly mac?: string;
  readonly mtu?: number;
  readonly up?: boolean;
  readonly alias?: string;
  readonly gsoSize?: number;
}

/** One change of the kernel. `was` is what undoes it. */
export type Step =
  | { readonly op: 'netns.create'; readonly endpoint: Endpoint }
  | { readonly op: 'netns.delete'; readonly endpoint: Endpoint }
  | { readonly op: 'veth.create'; readonly port: Port }
  | { readonly op: 'veth.delete'; readonly name: string; readonly ifindex: number }
  | {
      readonly op: 'host.set' | 'inner.set';
      readonly endpoint: Endpoint;
      readonly ifindex: number;
      readonly set: DeviceSettings;
      readonly was: DeviceSettings;
    }
  | { readonly op: 'loopback.up' | 'loopback.down'; readonly endpoint: Endpoint }
  | {
      readonly op: 'address.add' | 'address.delete';
      readonly endpoint: Endpoint;
      readonly address: string;
    }
  | { readonly op: 'route.add'; readonly endpoint: Endpoint; readonly gateway: string }
  | { readonly op: 'tc.attach' | 'tc.detach'; readonly id: number; readonly ifindex: number }
  | { readonly op: 'table.put'; readonly entry: RawEntry; readonly was: RawEntry | undefined }
  | { readonly op: 'table.delete'; readonly entry: RawEntry }
  | { readonly op: 'stats.clear'; readonly id: number }
  | { readonly op: 'fdb.forget'; readonly id: number }
  | {
      readonly op: 'sysctl.set';
      readonly key: string;
      readonly value: string;
      readonly was: string;
    }
  | {
      readonly op: 'nft.apply';
      readonly rules: readonly Masquerade[];
      readonly was: readonly Masquerade[];
    };

/** What a plan is about: all of the node, or the endpoints and networks that a command names. */
export type Scope =
  | 'node'
  | { readonly endpoints: ReadonlySet<number>; readonly networks: ReadonlySet<string> };

/** What {@link plan} compares. */
export interface PlanInput {
  /** Desired state when the kernel was last changed. */
  readonly before: State;
  readonly after: State;
  readonly scope: Scope;
  readonly observed: Observed;
}

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

/** @returns the steps, none when the kernel is as asked */
export function plan(input: PlanInput): Step[] {
  const { before, after, scope, observed } = input;
  const wanted = new Map(scopedEntries(after, scope).map((entry) => [entryName(entry), entry]));
  const stale = staleEntries(input, wanted);
  const leaving = leavingEndpoints(before, after, scope);
  const steps: Step[] = [];

  steps.push(...sysctlSteps(after, observed));
  steps.push(...leaving.flatMap((endpoint) => quietSteps(endpoint, observed)));
  steps.push(...deletions(stale, ['port', 'neigh', 'fdb']));
  steps.push(...leaving.flatMap((endpoint) => removeSteps(endpoint, observed, after)));
  steps.push(...straySteps(observed));
  steps.push(...deletions(stale, ['endpoint', 'endpointx', 'prefix']));

  const put = (entry: RawEntry): Step[] => putSteps(entry, observed);
  for (const network of after.networks) {
    if (scope === 'node' || scope.networks.has(network.name)) {
      steps.push(...put(networkEntry(after, network)));
    }
  }
  for (const port of wantedPorts(after)) {
    if (!inScope(scope, port.endpoint.id)) continue;
    const found = observed.ports.get(port.endpoint.id);
    steps.push(...deviceSteps(port, found));
    steps.push(...sourceEntries(port).flatMap(put));
    steps.push(...hookSteps(port, found, observed.programId));
    steps.push(...settingSteps(port, found));
    steps.push(...reachEntries(port).flatMap(put));
  }
  for (const entry of staticEntries(after)) {
    if (inScope(scope, endpointOfFdb(entry))) steps.push(...put(entry));
  }
  steps.push(...deletions(stale, ['network']));
  steps.push(...nftSteps(after, observed));
  return steps;
}

function leavingEndpoints(before: State, after: State, scope: Scope): Endpoint[] {
  const staying = new Set(wantedPorts(after).map(({ endpoint }) => endpoint.id));
  const known = new Map([...before.endpoints, ...after.endpoints].map((e) => [e.id, e]));
  return [...known.values()].filter(({ id }) => !staying.has(id) && inScope(scope, id));
}

/** Entries that are there and not wanted. Learned MACs are nobody's desire and stay. */
function staleEntries({ before, scope, observed }: PlanInput, wanted: Map<string, RawEntry>) {
  const ours = scope === 'node' ? undefined : new Set(scopedEntries(before, scope).map(entryName));
  return [...observed.entries].flatMap(([name, entry]) => {
    if (wanted.has(name) || (ours !== undefined && !ours.has(name))) return [];
    return isLearned(entry) ? [] : [entry];
  });
}

/** A learned entry of the FDB has no flags. */
export function isLearned({ table, value }: RawEntry): boolean {
  if (table !== 'fdb') return false;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return view.getUint32(FDB_OFFSETS.flags, true) === 0;
}

function deletions(stale: readonly RawEntry[], tables: readonly TableName[]): Step[] {
  return tables.flatMap((table) =>
    stale
      .filter((entry) => entry.table === table)
      .map((entry): Step => ({ op: 'table.delete', entry })),
  );
}

function putSteps(entry: RawEntry, observed: Observed): Step[] {
  const was = observed.entries.get(entryName(entry));
  return was !== undefined && sameValue(entry, was) ? [] : [{ op: 'table.put', entry, was }];
}

/** Two values of one table ask for the same. The FDB's times are the datapath's own. */
function sameValue(a: RawEntry, b: RawEntry): boolean {
  const length = a.table === 'fdb' ? FDB_OFFSETS.lastSeen : a.value.length;
  return (
    Buffer.compare(
      Buffer.from(a.value.buffer, a.value.byteOffset, length),
      Buffer.from(b.value.buffer, b.value.byteOffset, length),
    ) === 0
  );
}

/** What is learned behind an endpoint goes before the endpoint does. */
function quietSteps({ id }: Endpoint, observed: Observed): Step[] {
  return (observed.ports.get(id)?.learned ?? 0) > 0 ? [{ op: 'fdb.forget', id }] : [];
}

function removeSteps(endpoint: Endpoint, observed: Observed, after: State): Step[] {
  const found = observed.ports.get(endpoint.id);
  const steps: Step[] = [];
  const { id, adopted } = endpoint;
  if (found?.hook !== undefined && adopted !== undefined) {
    steps.push({ op: 'tc.detach', id, ifindex: endpoint.ifindex });
  }
  if (adopted !== undefined) steps.push(...restoreSteps(endpoint, found));
  const lastOne = !wantedPorts(after).some(
    (port) => port.endpoint.namespace.cookie === endpoint.namespace.cookie,
  );
  if (endpoint.raisedLoopback && lastOne && found?.namespace === 'reachable' && found.loopbackUp) {
    steps.push({ op: 'loopback.down', endpoint });
  }
  if (adopted === undefined && found?.host !== undefined) {
    steps.push({ op: 'veth.delete', name: endpoint.hostIfname, ifindex: found.host.ifindex });
  }
  if (found?.hook !== undefined && adopted === undefined) {
    steps.push({ op: 'tc.detach', id, ifindex: endpoint.ifindex });
  }
  steps.push({ op: 'stats.clear', id });
  if (endpoint.namespace.created && lastOne && found?.namespace === 'reachable') {
    steps.push({ op: 'netns.delete', endpoint });
  }
  return steps;
}

/** An adopted veth gets back what it had. */
function restoreSteps(endpoint: Endpoint, found: ObservedPort | undefined): Step[] {
  const { adopted } = endpoint;
  if (adopted === undefined) return [];
  const steps: Step[] = [];
  for (const address of found?.addresses ?? []) {
    if (!adopted.addresses.includes(address)) {
      steps.push({ op: 'address.delete', endpoint, address });
    }
  }
  if (found?.inner !== undefined) {
    const { mac, mtu, up } = adopted;
    steps.push(...setSteps('inner.set', endpoint, found.inner, { mac, mtu, up }));
  }
  if (found?.host !== undefined) {
    const { hostMtu, hostUp, hostAlias } = adopted;
    const settings = { mtu: hostMtu, up: hostUp, alias: hostAlias };
    steps.push(...setSteps('host.set', endpoint, found.host, settings));
  }
  return steps;
}

function straySteps(observed: Observed): Step[] {
  return observed.strays.map(strayStep);
}

function strayStep(stray: Stray): Step {
  switch (stray.kind) {
    case 'device':
      return { op: 'veth.delete', name: stray.name, ifindex: stray.ifindex };
    case 'link':
      return { op: 'tc.detach', id: stray.id, ifindex: 0 };
    case 'learned':
      return { op: 'fdb.forget', id: stray.endpoint };
  }
}

function deviceSteps(port: Port, found: ObservedPort | undefined): Step[] {
  const steps: Step[] = [];
  const { endpoint } = port;
  if (found?.host !== undefined) return steps;
  if (endpoint.namespace.created && found?.namespace === 'gone') {
    steps.push({ op: 'netns.create', endpoint });
  }
  steps.push({ op: 'veth.create', port });
  return steps;
}

function hookSteps(port: Port, found: ObservedPort | undefined, programId: number): Step[] {
  const { id, ifindex } = port.endpoint;
  if (found?.hook?.programId === programId && programId !== 0) return [];
  return [{ op: 'tc.attach', id, ifindex }];
}

/** Both ends up with the settings asked for; the program is on the host end by now. */
function settingSteps(port: Port, found: ObservedPort | undefined): Step[] {
  const { endpoint } = port;
  const { mac, mtu } = endpoint;
  const steps: Step[] = [];
  // The sizes of a veth that was there before are its owner's, unless the network says more.
  const gso =
    port.network.bigTcp || endpoint.adopted === undefined ? { gsoSize: port.gsoSize } : {};
  const alias = endpointAlias(endpoint);
  const host = found?.host ?? bornDevice(endpoint.ifindex, endpoint.hostIfname, mtu, '', alias);
  const hostWanted = { mtu, up: true, alias, ...gso };
  steps.push(...setSteps('host.set', endpoint, host, hostWanted));
  if (found?.namespace === 'hidden') return steps;
  const inner = found?.inner ?? bornDevice(0, endpoint.ifname, mtu, mac, '');
  const innerAlias = endpoint.namespace.kind === 'node' ? { alias } : {};
  steps.push(
    ...setSteps('inner.set', endpoint, inner, {
      mac,
      mtu,
      up: true,
      gsoSize: port.gsoSize,
      ...innerAlias,
    }),
  );
  if (endpoint.raisedLoopback && found?.loopbackUp !== true) {
    steps.push({ op: 'loopback.up', endpoint });
  }
  steps.push(...addressSteps(port, found));
  for (const gateway of port.gateways) {
    if (found?.gateways.includes(gateway) !== true) {
      steps.push({ op: 'route.add', endpoint, gateway });
    }
  }
  return steps;
}

function addressSteps({ endpoint, addresses }: Port, found: ObservedPort | undefined): Step[] {
  const there = found?.addresses ?? [];
  const kept = new Set([...addresses, ...(endpoint.adopted?.addresses ?? [])]);
  return [
    ...addresses
      .filter((address) => !there.includes(address))
      .map((address): Step => ({ op: 'address.add', endpoint, address })),
    ...there
      .filter((address) => !kept.has(address) && endpoint.adopted === undefined)
      .map((address): Step => ({ op: 'address.delete', endpoint, address })),
  ];
}

/** A device as `veth.create` makes it: down, with its addresses and MTU. */
function bornDevice(
  ifindex: number,
  name: string,
  mtu: number,
  mac: string,
  alias: string,
): ObservedDevice {
  return { ifindex, name, mac, mtu, up: false, alias, gsoSize: 65_536 };
}

function setSteps(
  op: 'host.set' | 'inner.set',
  endpoint: Endpoint,
  found: ObservedDevice,
  wanted: DeviceSettings,
): Step[] {
  const set: Record<string, unknown> = {};
  const was: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(wanted)) {
    const current = found[key as keyof DeviceSettings];
    if (current === value) continue;
    set[key] = value;
    was[key] = current;
  }
  if (Object.keys(set).length === 0) return [];
  return [{ op, endpoint, ifindex: found.ifindex, set, was }];
}

/** What `ip link` shows beside a device of dpctl's, so that its owner can be told. */
export function endpointAlias({ namespace, ifname, network }: Endpoint): string {
  return namespace.kind === 'node'
    ? `dpctl gateway ${network}`
    : `dpctl ${namespace.ref}/${ifname}`;
}

function sysctlSteps(after: State, observed: Observed): Step[] {
  const wanted = wantedSysctls(after);
  const steps: Step[] = [];
  for (const [key, value] of wanted) {
    const was = observed.sysctls.get(key) ?? '';
    if (was !== value) steps.push({ op: 'sysctl.set', key, value, was });
  }
  for (const { key, before, value } of after.sysctls) {
    // What somebody else has changed since is theirs to keep.
    if (!wanted.has(key) && observed.sysctls.get(key) === value && before !== value) {
      steps.push({ op: 'sysctl.set', key, value: before, was: value });
    }
  }
  return steps;
}

function nftSteps(after: State, observed: Observed): Step[] {
  const rules = wantedMasquerades(after);
  const name = (rule: Masquerade) => `${rule.network} ${rule.subnet} ${rule.exceptIfname}`;
  const there = observed.masquerades.map(name).sort().join();
  return rules.map(name).sort().join() === there
    ? []
    : [{ op: 'nft.apply', rules, was: observed.masquerades }];
}

/** The key of an endpoint's counters. */
export function statsKey(id: number): Uint8Array {
  return tableKey('epstat', id);
}
