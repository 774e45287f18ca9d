/** Steps that take away what is not wanted any more. */
import { wantedPorts } from '../desired.js';
import type { Observed, ObservedPort, Stray } from '../observed.js';
import type { Endpoint, State } from '../state.js';
import { inScope, type Scope } from './scope.js';
import { type Step, setSteps } from './step.js';

/** Endpoints of the scope that are not wanted after the change. */
export function leavingEndpoints(before: State, after: State, scope: Scope): Endpoint[] {
  const staying = new Set(wantedPorts(after).map(({ endpoint }) => endpoint.id));
  const known = new Map([...before.endpoints, ...after.endpoints].map((e) => [e.id, e]));
  return [...known.values()].filter(({ id }) => !staying.has(id) && inScope(scope, id));
}

/** What is learned behind an endpoint goes before the endpoint does. */
export function quietSteps({ id }: Endpoint, observed: Observed): Step[] {
  return (observed.ports.get(id)?.learned ?? 0) > 0 ? [{ op: 'fdb.forget', id }] : [];
}

/** The endpoint's devices, program and counters go; an adopted veth gets back what it had. */
export function removeSteps(endpoint: Endpoint, observed: Observed, after: State): Step[] {
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
  for (const gateway of found?.ownGateways ?? []) {
    steps.push({ op: 'route.delete', endpoint, gateway });
  }
  for (const address of found?.ownAddresses ?? []) {
    steps.push({ op: 'address.delete', endpoint, address });
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

/** What belongs to nobody goes. */
export function straySteps(observed: Observed): Step[] {
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
