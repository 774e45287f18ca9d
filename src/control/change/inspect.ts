/** Reads from the kernel what a plan compares: the tables, devices and programs of a scope. */

import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import { areTablesPinned } from '../../datapath/install.js';
import { isNftMissing, nftRead } from '../../datapath/nft/nft.js';
import { entriesRaw, getRaw } from '../../datapath/tables.js';
import { withNetnsPath } from '../../linux/netns.js';
import { sysctlFind, sysctlNames } from '../../linux/sysctl.js';
import { wantedMasquerades, wantedSysctls } from '../../model/desired/desired.js';
import { hostRulesText, nftTableName, wantedHostRules } from '../../model/desired/host-rules.js';
import type { RawEntry, TableName } from '../../model/desired/table-entry.js';
import { entryName, type Observed, type ObservedPort } from '../../model/plan/observed.js';
import {
  inScope,
  isNeeded,
  isPurging,
  type Scope,
  scopedEntries,
  sysctlOfAll,
} from '../../model/plan/plan.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { inspectPort, NOTHING_INSIDE } from '../endpoint/inspect-port.js';
import { occupantOf } from '../endpoint/namespace-occupants.js';
import { advertisedSysctls } from '../network/advertised.js';
import { hostPins, type Node } from '../node/node.js';
import { sharedSysctls } from '../node/other-roots.js';
import { inspectOverlay } from '../underlay/inspect.js';
import { findOrphans, findSquatters } from './orphans.js';

/** The desired state to compare with the kernel. */
export interface InspectInput {
  readonly before: State;
  readonly after: State;
  readonly scope: Scope;
  /** Endpoints that the command names: a problem with them is an error. */
  readonly about: ReadonlySet<number>;
}

/**
 * Observe a node: all of it, or the part in a command's scope.
 * @param programId id of the endpoint program that is to run; 0 when it is still to be loaded
 */
export async function inspect(
  node: Node,
  input: InspectInput,
  programId: number,
): Promise<Observed> {
  const { before, after, scope } = input;
  const installed = areTablesPinned(hostPins(node));
  const entries = installed ? readEntries(node, input) : new Map<string, RawEntry>();
  const ports = new Map<number, ObservedPort>();
  const tunnels = before.resolvedUnderlay !== undefined || after.resolvedUnderlay !== undefined;
  for (const endpoint of mergedEndpoints(before, after)) {
    if (!inScope(scope, endpoint.id)) continue;
    const port = inspectAlone(input, endpoint, () =>
      inspectPort(node, endpoint, installed, tunnels),
    );
    const isLeaving = endpoint.phase === 'detaching' && endpoint.namespace.created;
    const occupant = isLeaving ? occupantOf(node, after, endpoint) : undefined;
    ports.set(endpoint.id, occupant === undefined ? port : { ...port, occupant });
  }
  const squatters = findSquatters(node, after, scope, ports);
  for (const [id, { blocked: _, ...port }] of [...ports]) {
    const blocked = squatters.blocked.get(id);
    if (blocked !== undefined) ports.set(id, { ...port, blocked });
    else if (squatters.freed.has(id)) ports.set(id, port);
  }
  return {
    entries,
    ports,
    orphans:
      scope === 'node'
        ? [...findOrphans(node, after, entries), ...squatters.orphans]
        : squatters.orphans,
    ...(await readRules(node, input)),
    sysctls: readSysctls(node, before, after),
    shared: wantsSysctls(before, after) ? sharedSysctls(node) : [],
    programId,
    ...(scope === 'node' && { overlay: inspectOverlay(node, before) }),
  };
}

/**
 * A container can break its own namespace so that it cannot be inspected. That must not affect other
 * endpoints.
 */
function inspectAlone(
  { about }: InspectInput,
  endpoint: Endpoint,
  look: () => ObservedPort,
): ObservedPort {
  try {
    return look();
  } catch (error) {
    const isOthers = !about.has(endpoint.id) && endpoint.phase !== 'detaching';
    if (!isOthers || !(error instanceof DpctlError)) throw error;
    const { code, message, hint = run`status` } = error;
    return {
      ...NOTHING_INSIDE,
      namespace: 'unreachable',
      host: undefined,
      hook: undefined,
      pinned: true,
      learned: 0,
      blocked: { code, message, hint, exitCode: 2 },
    };
  }
}

function mergedEndpoints(before: State, after: State): Endpoint[] {
  const merged = new Map(before.endpoints.map((endpoint) => [endpoint.id, endpoint]));
  for (const endpoint of after.endpoints) merged.set(endpoint.id, endpoint);
  return [...merged.values()];
}

/** Tables that hold configuration, not counters. */
const PLANNED_TABLES: readonly TableName[] = [
  'endpoint',
  'endpointx',
  'network',
  'segment',
  'port',
  'fdb',
  'neigh',
  'prefix',
  'underlay',
  'node',
  'vtep',
  'vni',
  'replica',
  'nodeprefix',
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
    const name = entryName({ table, key });
    const value = found.has(name) ? undefined : getRaw(tables, table, key);
    if (value !== undefined) found.set(name, { table, key, value });
  }
  return found;
}

type Rules = Pick<Observed, 'masquerades' | 'hostRules'>;

/** Asking nft starts a process, so a command about one endpoint trusts the record. */
async function readRules(node: Node, { before, after, scope }: InspectInput): Promise<Rules> {
  const [recorded, wanted] = [before, after].map(rulesOf) as [Rules, Rules];
  if (scope !== 'node' && JSON.stringify(recorded) === JSON.stringify(wanted)) return recorded;
  try {
    const table = nftTableName(before.rootId);
    const found = await withNetnsPath(node.netnsFd(), (path) => nftRead(path, table));
    // A table of that name belongs to another root or to an older dpctl.
    if (before.rootId === undefined) return { masquerades: [], hostRules: hostRulesText([]) };
    return { masquerades: found.masquerades, hostRules: found.host };
  } catch (error) {
    const masquerades = recorded.masquerades.length + wanted.masquerades.length;
    const required = [before, after].some((state) => wantedHostRules(state).required);
    if (isNftMissing(error) && masquerades === 0 && !required) return wanted;
    throw error;
  }
}

function rulesOf(state: State): Rules {
  return {
    masquerades: wantedMasquerades(state),
    hostRules: hostRulesText(wantedHostRules(state).rules),
  };
}

/** Whether a sysctl may have to be recorded or restored. */
function wantsSysctls(before: State, after: State): boolean {
  const wanted = wantedSysctls(after);
  const recorded = new Set(before.sysctls.map(({ key }) => key));
  return (
    [...wanted.keys()].some((key) => !recorded.has(key)) ||
    before.sysctls.some(({ key }) => !isNeeded(key, wanted))
  );
}

function readSysctls(node: Node, before: State, after: State): Map<string, string> {
  const recorded = before.sysctls.map(({ key }) => key);
  const wanted = [...wantedSysctls(after).keys()];
  const fresh = wanted.filter((key) => !recorded.includes(key));
  return readKeys(node, [
    ...wanted,
    ...recorded,
    ...(fresh.length > 0 ? deviceSysctls(node) : []),
    ...(isPurging(fresh) ? advertisedSysctls(node) : []),
  ]);
}

/** Values by key; keys of devices that are gone are left out. */
export function readKeys(node: Node, keys: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const key of keys) {
    const value = sysctlFind(node.netnsFd(), key);
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

/** Per-device parameters that writing the parameter of all devices overwrites. */
function deviceSysctls(node: Node): string[] {
  return ['net/ipv4/conf', 'net/ipv6/conf'].flatMap((dir) =>
    sysctlNames(node.netnsFd(), dir)
      .map((device) => `${dir}/${device}/forwarding`)
      .filter((key) => sysctlOfAll(key) !== undefined),
  );
}
