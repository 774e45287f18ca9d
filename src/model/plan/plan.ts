/**
 * plan(desired, observed) -> the steps that bring the kernel to the desired state, in an order in which no
 * frame is misdelivered: an endpoint's source entries exist before its program runs, and others learn of it
 * only when it can receive; removal goes the other way round. Steps that cannot be undone come last, when
 * nothing else can fail any more. Pure: no step is taken here.
 */

import {
  networkEntry,
  type Port,
  reachEntries,
  sourceEntries,
  staticEntries,
  wantedPorts,
} from '../desired/desired.js';
import { ownPrefixEntries } from '../desired/prefixes.js';
import { segmentEntries } from '../desired/segment.js';
import type { RawEntry } from '../desired/table-entry.js';
import type { State } from '../state/state.js';
import { deviceSteps, hookSteps, hostSteps, settingSteps, usablePort } from './arrive.js';
import { deletions, putSteps, staleEntries } from './entries.js';
import { nftSteps, sysctlSteps } from './host.js';
import {
  inheritSteps,
  leavingEndpoints,
  orphanSteps,
  releaseSteps,
  teardownSteps,
} from './leave.js';
import { entryName, type Observed } from './observed.js';
import { announceSteps, devicesArrive, devicesLeave, nodesLeave } from './overlay.js';
import {
  endpointOfFdb,
  inScope,
  type Scope,
  scopedEntries,
  scopedNetworks,
  scopedNodes,
  scopedReplicas,
  scopedVnis,
} from './scope.js';
import type { Step } from './step.js';

export {
  advertisementSysctl,
  exceptions,
  formerSysctl,
  inherited,
  isNeeded,
  isPurging,
  keptAdvertisements,
  sysctlOfAll,
} from './host.js';
export {
  endpointOfEntry,
  endpointOfFdb,
  inScope,
  isLearned,
  nodeOfFdb,
  type Scope,
  scopedEntries,
} from './scope.js';
export {
  type DeviceSettings,
  isFinal,
  routeMetric,
  type Step,
  type StepOf,
  type SysctlValue,
  statsKey,
} from './step.js';

/** What {@link plan} compares. */
export interface PlanInput {
  /** Desired state when the kernel was last changed. */
  readonly before: State;
  readonly after: State;
  readonly scope: Scope;
  readonly observed: Observed;
}

/** @returns the steps, none when the kernel matches the desired state */
export function plan(input: PlanInput): Step[] {
  const { before, after, scope, observed } = input;
  const wanted = new Map(scopedEntries(after, scope).map((entry) => [entryName(entry), entry]));
  const stale = staleEntries(before, scope, observed, wanted);
  const leaving = leavingEndpoints(before, after, scope);
  const put = (entry: RawEntry): Step[] => putSteps(entry, observed);
  const ports = wantedPorts(after).filter(({ endpoint }) => inScope(scope, endpoint.id));
  const statics = staticEntries(after).filter((entry) => inScope(scope, endpointOfFdb(entry)));
  return [
    sysctlSteps(after, observed),
    deletions(stale, ['replica', 'port', 'neigh', 'nodeprefix', 'fdb']),
    devicesLeave(after, observed),
    leaving.flatMap((endpoint) => releaseSteps(endpoint, observed, after)),
    orphanSteps(observed),
    inheritSteps(before, after, scope, observed),
    deletions(stale, ['endpoint', 'endpointx', 'prefix', 'vni', 'underlay']),
    scopedNetworks(after, scope).flatMap((network) => put(networkEntry(after, network))),
    scopedNetworks(after, scope).flatMap(segmentEntries).flatMap(put),
    scopedNetworks(after, scope).flatMap(ownPrefixEntries).flatMap(put),
    scopedNodes(after, scope).flatMap(put),
    devicesArrive(after, observed),
    scopedVnis(after, scope).flatMap(put),
    scopedReplicas(after, scope).flatMap(put),
    ports.flatMap((port) => portSteps(port, observed)),
    statics.flatMap(put),
    ports
      .filter(({ endpoint }) => observed.ports.get(endpoint.id)?.blocked === undefined)
      .flatMap((port) => announceSteps(after, port, observed.ports.get(port.endpoint.id))),
    deletions(stale, ['network', 'segment', 'vtep', 'node']),
    nodesLeave(before, after, scope),
    nftSteps(before, after, observed),
    teardownSteps(leaving, observed, after),
  ].flat();
}

function portSteps(port: Port, observed: Observed): Step[] {
  const put = (entry: RawEntry): Step[] => putSteps(entry, observed);
  const there = observed.ports.get(port.endpoint.id);
  // Its present devices keep working: a replacement could not be made.
  if (there?.blocked !== undefined) {
    const { host } = there;
    if (host === undefined) return [];
    return [
      sourceEntries(port).flatMap(put),
      hookSteps(port, there, observed.programId),
      hostSteps(port, host),
      reachEntries(port).flatMap(put),
    ].flat();
  }
  const usable = usablePort(port, there);
  return [
    deviceSteps(port, there),
    sourceEntries(port).flatMap(put),
    hookSteps(port, usable, observed.programId),
    settingSteps(port, usable),
    reachEntries(port).flatMap(put),
  ].flat();
}
