/**
 * plan(desired, observed) -> the steps that make the kernel what was asked, in an order in
 * which no frame goes astray: an endpoint knows its own source before its program runs, and
 * others learn of it only when it can receive; on the way out it is the other way round. Steps
 * that cannot be undone come last, when nothing else can fail any more. Pure: no step is taken here.
 */
import {
  networkEntry,
  reachEntries,
  sourceEntries,
  staticEntries,
  wantedPorts,
} from './desired.js';
import type { RawEntry } from './entry.js';
import { entryName, type Observed } from './observed.js';
import { deviceSteps, hookSteps, settingSteps, usablePort } from './plan/arrive.js';
import { deletions, putSteps, staleEntries } from './plan/entries.js';
import { nftSteps, sysctlSteps } from './plan/host.js';
import { farewellSteps, leavingEndpoints, releaseSteps, straySteps } from './plan/leave.js';
import { endpointOfFdb, inScope, type Scope, scopedEntries } from './plan/scope.js';
import type { Step } from './plan/step.js';
import type { State } from './state.js';

export { endpointOfFdb, inScope, isLearned, type Scope, scopedEntries } from './plan/scope.js';
export { type DeviceSettings, endpointAlias, isFinal, type Step, statsKey } from './plan/step.js';

/** What {@link plan} compares. */
export interface PlanInput {
  /** Desired state when the kernel was last changed. */
  readonly before: State;
  readonly after: State;
  readonly scope: Scope;
  readonly observed: Observed;
}

/** @returns the steps, none when the kernel is as asked */
export function plan(input: PlanInput): Step[] {
  const { before, after, scope, observed } = input;
  const wanted = new Map(scopedEntries(after, scope).map((entry) => [entryName(entry), entry]));
  const stale = staleEntries(before, scope, observed, wanted);
  const leaving = leavingEndpoints(before, after, scope);
  const steps: Step[] = [];

  steps.push(...sysctlSteps(after, observed));
  steps.push(...deletions(stale, ['port', 'neigh', 'fdb']));
  steps.push(...leaving.flatMap((endpoint) => releaseSteps(endpoint, observed, after)));
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
    const found = usablePort(port, observed.ports.get(port.endpoint.id));
    steps.push(...deviceSteps(port, observed.ports.get(port.endpoint.id)));
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
  steps.push(...leaving.flatMap((endpoint) => farewellSteps(endpoint, observed, after)));
  return steps;
}
