/** Reads from the kernel what a plan compares: the tables, devices and programs of a scope. */
import { existsSync, readdirSync } from 'node:fs';
import { closeFd } from '../../loader/sys.js';
import { installedProgramId } from '../kernel/datapath.js';
import { hookOf } from '../kernel/hook.js';
import { hostPath } from '../kernel/mountns.js';
import {
  addrDump,
  type Link,
  type LinkAddress,
  linkDump,
  linkGet,
  openRtnl,
  ROUTE_PROTOCOL,
  type Rtnl,
  routeDump,
} from '../kernel/netlink.js';
import { nftRead } from '../kernel/nft.js';
import { sysctlGet } from '../kernel/sysctl.js';
import { entriesRaw, getRaw } from '../kernel/tables.js';
import { wantedMasquerades, wantedSysctls } from '../model/desired.js';
import { decodeValue, type RawEntry, type TableName, tableKey } from '../model/entry.js';
import {
  entryName,
  type Observed,
  type ObservedDevice,
  type ObservedPort,
  type Stray,
} from '../model/observed.js';
import { endpointOfFdb, inScope, isLearned, type Scope, scopedEntries } from '../model/plan.js';
import type { Endpoint, State } from '../model/state.js';
import { openNamespace } from './namespace.js';
import { hostPins, type Node } from './node.js';

/** Prefix of the names of devices that dpctl makes, and so may take for strays. */
const OWN_DEVICE = /^dp[0-9a-f]{6}$|^dp[gp]\d+$/;
/** The mark in the alias of devices that dpctl made or adopted. */
const OWN_ALIAS = 'dpctl ';

/** RT_TABLE_MAIN. */
const MAIN_TABLE = 254;

/** What desired state wants, compared with nothing yet. */
export interface InspectInput {
  readonly before: State;
  readonly after: State;
  readonly scope: Scope;
}

/** Observe a node: all of it, or what a command's scope names. */
export async function inspect(node: Node, input: InspectInput): Promise<Observed> {
  const { before, after, scope } = input;
  const installed = existsSync(hostPath(node.paths.mapsDir));
  const programId = installed ? installedProgramId(hostPins(node)) : 0;
  const entries = programId === 0 ? new Map() : readEntries(node, input);
  const ports = new Map<number, ObservedPort>();
  for (const endpoint of mergedEndpoints(before, after)) {
    if (inScope(scope, endpoint.id)) {
      ports.set(endpoint.id, inspectPort(node, endpoint, programId !== 0));
    }
  }
  return {
    entries,
    ports,
    strays: scope === 'node' && programId !== 0 ? findStrays(node, after, entries) : [],
    masquerades: await readMasquerades(node, input),
    sysctls: readSysctls(node, before, after),
    programId,
  };
}

function mergedEndpoints(before: State, after: State): Endpoint[] {
  const merged = new Map(before.endpoints.map((endpoint) => [endpoint.id, endpoint]));
  for (const endpoint of after.endpoints) merged.set(endpoint.id, endpoint);
  return [...merged.values()];
}

/** Tables that hold what is configured, not what is counted. */
const PLANNED_TABLES: readonly TableName[] = [
  'endpoint',
  'endpointx',
  'network',
  'port',
  'fdb',
  'neigh',
  'prefix',
];

function readEntries(node: Node, { before, after, scope }: InspectInput): Map<string, RawEntry> {
  const found = new Map<string, RawEntry>();
  const tables = node.tables();
  if (scope === 'node') {
    for (const table of PLANNED_TABLES) {
      for (const [key, value] of entriesRaw(tables, table)) {
        found.set(entryName({ table, key }), { table, key, value });
      }
    }
    return found;
  }
  for (const { table, key } of [...scopedEntries(before, scope), ...scopedEntries(after, scope)]) {
    const value = getRaw(tables, table, key);
    if (value !== undefined) found.set(entryName({ table, key }), { table, key, value });
  }
  return found;
}

/** What is found of one endpoint, its namespace opened for as long as it takes. */
export function inspectPort(node: Node, endpoint: Endpoint, installed: boolean): ObservedPort {
  const host = ownHostLink(node.rtnl(), endpoint);
  const fd = openNamespace(node, endpoint.namespace);
  const hook =
    host === undefined || !installed
      ? undefined
      : hookOf(hostPins(node), node.netnsFd(), endpoint.id, host.ifindex);
  const base = {
    host: host === undefined ? undefined : observedDevice(host),
    hook,
    learned: installed ? learnedCount(node, endpoint.id) : 0,
  };
  const nothing = {
    inner: undefined,
    addresses: [],
    ownAddresses: [],
    gateways: [],
    ownGateways: [],
    loopbackUp: false,
  };
  if (fd === undefined) {
    return { ...base, ...nothing, namespace: host === undefined ? 'gone' : 'hidden' };
  }
  const rtnl = openRtnl(fd);
  try {
    const inner = linkGet(rtnl, { name: endpoint.ifname });
    const loopbackUp = linkGet(rtnl, { name: 'lo' })?.up ?? false;
    if (inner === undefined || host === undefined || inner.peerIfindex !== host.ifindex) {
      return { ...base, ...nothing, namespace: 'reachable', loopbackUp };
    }
    const found = addrDump(rtnl, inner.ifindex).filter(({ scope }) => scope !== 'link');
    const defaults = routeDump(rtnl, { ifindex: inner.ifindex, table: MAIN_TABLE }).filter(
      ({ dst, gateway }) => dst === 'default' && gateway !== undefined,
    );
    return {
      ...base,
      namespace: 'reachable',
      inner: observedDevice(inner),
      loopbackUp,
      addresses: found.map(withLength),
      ownAddresses: found.filter(({ protocol }) => protocol === ROUTE_PROTOCOL).map(withLength),
      gateways: defaults.map(({ gateway }) => gateway ?? ''),
      ownGateways: defaults
        .filter(({ protocol }) => protocol === ROUTE_PROTOCOL)
        .map(({ gateway }) => gateway ?? ''),
    };
  } finally {
    rtnl.close();
    closeFd(fd);
  }
}

function withLength({ address, prefixLength }: LinkAddress): string {
  return `${address}/${prefixLength}`;
}

/** The host end of an endpoint: the device with its number, if that is still the same device. */
function ownHostLink(rtnl: Rtnl, { ifindex, hostIfname }: Endpoint): Link | undefined {
  const link = linkGet(rtnl, { ifindex });
  if (link?.kind !== 'veth') return undefined;
  return link.name === hostIfname || link.alias?.startsWith(OWN_ALIAS) === true ? link : undefined;
}

function observedDevice(link: Link): ObservedDevice {
  return {
    ifindex: link.ifindex,
    name: link.name,
    mac: link.mac,
    mtu: link.mtu,
    up: link.up,
    alias: link.alias ?? '',
    gsoSize: Math.max(link.gsoMaxSize ?? 0, link.gsoIpv4MaxSize ?? 0),
  };
}

function learnedCount(node: Node, id: number): number {
  const value = getRaw(node.tables(), 'learned', tableKey('learned', id));
  return value === undefined ? 0 : decodeValue('learned', value).count;
}

function findStrays(node: Node, after: State, entries: ReadonlyMap<string, RawEntry>): Stray[] {
  const known = new Set(after.endpoints.map(({ id }) => id));
  const indexes = new Set(after.endpoints.map(({ ifindex }) => ifindex));
  const names = new Set(after.endpoints.flatMap((e) => [e.hostIfname, e.ifname]));
  const strays: Stray[] = [];
  for (const { name, ifindex, kind, alias } of linkDump(node.rtnl())) {
    if (kind !== 'veth' || indexes.has(ifindex) || names.has(name)) continue;
    if (OWN_DEVICE.test(name) && (alias ?? OWN_ALIAS).startsWith(OWN_ALIAS)) {
      strays.push({ kind: 'device', name, ifindex });
    }
  }
  for (const name of readdirSync(hostPath(node.paths.linksDir))) {
    if (!known.has(Number(name))) strays.push({ kind: 'link', id: Number(name) });
  }
  const learned = new Set<number>();
  for (const entry of entries.values()) {
    if (isLearned(entry) && !known.has(endpointOfFdb(entry))) learned.add(endpointOfFdb(entry));
  }
  for (const endpoint of learned) strays.push({ kind: 'learned', endpoint });
  return strays;
}

/** Asking nft costs a process, so a command about one endpoint believes what is recorded. */
async function readMasquerades(node: Node, { before, after, scope }: InspectInput) {
  const recorded = wantedMasquerades(before);
  const wanted = wantedMasquerades(after);
  if (scope !== 'node' && JSON.stringify(recorded) === JSON.stringify(wanted)) return recorded;
  return nftRead(hostPath(node.paths.netns));
}

function readSysctls(node: Node, before: State, after: State): Map<string, string> {
  const keys = new Set([...wantedSysctls(after).keys(), ...before.sysctls.map(({ key }) => key)]);
  return new Map([...keys].map((key) => [key, sysctlGet(node.netnsFd(), key)]));
}
