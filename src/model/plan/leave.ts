/** Steps that remove what is no longer wanted. */
import { BIG_TCP_SIZE, wantedPorts } from '../desired/desired.js';
import type { Endpoint, State } from '../state/state.js';
import type { Observed, ObservedDevice, ObservedPort, Orphan } from './observed.js';
import { inScope, type Scope } from './scope.js';
import { type DeviceSettings, type Step, setSteps } from './step.js';

/** Endpoints of the scope that are not wanted after the change. */
export function leavingEndpoints(before: State, after: State, scope: Scope): Endpoint[] {
  const staying = new Set(wantedPorts(after).map(({ endpoint }) => endpoint.id));
  const known = new Map([...before.endpoints, ...after.endpoints].map((e) => [e.id, e]));
  return [...known.values()].filter(({ id }) => !staying.has(id) && inScope(scope, id));
}

/**
 * What a dead namespace left under a number that another endpoint has now: its counters, and MACs learned
 * behind it, which would lead nowhere.
 */
export function inheritSteps(
  before: State,
  after: State,
  scope: Scope,
  observed: Observed,
): Step[] {
  const cookies = new Map(before.endpoints.map(({ id, namespace }) => [id, namespace.cookie]));
  return after.endpoints
    .filter(({ id, namespace: { cookie } }) => {
      const former = cookies.get(id) ?? '';
      return former !== '' && former !== cookie && inScope(scope, id);
    })
    .flatMap(({ id }): Step[] => [
      ...((observed.ports.get(id)?.learned ?? 0) > 0 ? [{ op: 'fdb.forget', id } as const] : []),
      { op: 'stats.clear', id },
    ]);
}

/** Undo those parts of an endpoint that could be made again: an adopted veth belongs to its owner. */
export function releaseSteps(endpoint: Endpoint, observed: Observed, after: State): Step[] {
  const found = observed.ports.get(endpoint.id);
  const steps: Step[] = [];
  if (endpoint.adopted !== undefined) {
    if (isHooked(found)) {
      steps.push({ op: 'tc.detach', id: endpoint.id, ifindex: endpoint.ifindex });
    }
    steps.push(...restoreSteps(endpoint, found));
  }
  if (
    endpoint.raisedLoopback &&
    isLastOne(endpoint, after) &&
    found?.namespace === 'reachable' &&
    found.loopbackUp
  ) {
    steps.push({ op: 'loopback.down', endpoint });
  }
  return steps;
}

/** Delete for good: devices, counters, the namespaces that dpctl made. */
export function teardownSteps(
  leaving: readonly Endpoint[],
  observed: Observed,
  after: State,
): Step[] {
  return [
    ...pairsDelete(leaving, observed),
    ...leaving.flatMap((endpoint) => remainderSteps(endpoint, observed, after)),
  ];
}

/** Delete many pairs at once: the kernel waits once for each message, not for each device. */
function pairsDelete(leaving: readonly Endpoint[], observed: Observed): Step[] {
  const pairs = leaving
    .filter(({ adopted }) => adopted === undefined)
    .flatMap(({ id }) => observed.ports.get(id)?.host ?? [])
    .map(({ name, ifindex }) => ({ name, ifindex }));
  if (pairs.length > 1) return [{ op: 'pairs.delete', pairs }];
  return pairs.map((pair) => ({ op: 'pair.delete', ...pair, orphan: false }));
}

/** Remove what is left of an endpoint after its devices. */
function remainderSteps(endpoint: Endpoint, observed: Observed, after: State): Step[] {
  const found = observed.ports.get(endpoint.id);
  const steps: Step[] = [];
  const { id, ifindex, adopted, lock, namespace } = endpoint;
  if (adopted === undefined && isHooked(found)) steps.push({ op: 'tc.detach', id, ifindex });
  // Only now can it send nothing more that would be learned again.
  if (!lock || (found?.learned ?? 0) > 0) steps.push({ op: 'fdb.forget', id });
  steps.push({ op: 'stats.clear', id });
  const isThere = found?.namespace === 'reachable' || found?.nameUse === 'leftover';
  const isFree = isThere && found.occupant === undefined;
  if (namespace.created && isLastOne(endpoint, after) && isFree) {
    steps.push({ op: 'netns.delete', endpoint });
  }
  return steps;
}

/** A link stays pinned after its device is gone. */
function isHooked(found: ObservedPort | undefined): boolean {
  return found?.hook !== undefined || found?.pinned === true;
}

/** No other endpoint of its namespace stays. */
function isLastOne({ namespace }: Endpoint, after: State): boolean {
  return !wantedPorts(after).some(({ endpoint }) => endpoint.namespace.cookie === namespace.cookie);
}

/** Give an adopted veth its former settings back. */
function restoreSteps(endpoint: Endpoint, found: ObservedPort | undefined): Step[] {
  const { adopted } = endpoint;
  if (adopted === undefined) return [];
  const steps: Step[] = [];
  for (const gateway of found?.gateways ?? []) {
    steps.push({ op: 'route.delete', endpoint, gateway });
  }
  for (const address of found?.ownAddresses ?? []) {
    steps.push({ op: 'address.delete', endpoint, address });
  }
  if (found?.inner !== undefined) {
    const { mac, mtu, up } = adopted;
    const gso = formerGso(found.inner, adopted.gsoSize);
    const isCut = adopted.tunnels?.length && found.inner.wholeTunnels === false;
    const tunnels = isCut ? { wholeTunnels: true } : {};
    const settings = { mac, mtu, up, ...gso, ...tunnels };
    steps.push(...setSteps('inner.set', endpoint, found.inner, settings));
  }
  if (found?.host !== undefined) {
    const { hostMtu, hostUp, hostAlias } = adopted;
    const gso = formerGso(found.host, adopted.hostGsoSize);
    const settings = { mtu: hostMtu, up: hostUp, alias: hostAlias, ...gso };
    steps.push(...setSteps('host.set', endpoint, found.host, settings));
  }
  return steps;
}

/** Sizes that BIG TCP changed are restored; others were set by the owner since. */
export function formerGso({ gsoSize }: ObservedDevice, former: number | undefined): DeviceSettings {
  return former !== undefined && gsoSize === BIG_TCP_SIZE ? { gsoSize: former } : {};
}

/** Remove orphans. */
export function orphanSteps(observed: Observed): Step[] {
  return observed.orphans.map(orphanStep);
}

function orphanStep(orphan: Orphan): Step {
  switch (orphan.kind) {
    case 'device':
      return { op: 'pair.delete', name: orphan.name, ifindex: orphan.ifindex, orphan: true };
    case 'link':
      return { op: 'tc.detach', id: orphan.id, ifindex: 0 };
    case 'learned':
      return { op: 'fdb.forget', id: orphan.endpoint };
    case 'learned-node':
      return { op: 'node.forget', number: orphan.node };
  }
}
