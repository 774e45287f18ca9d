/**
 * What a change adds to the desired state beside the request: device numbers, gateways of networks, endpoints
 * that died, sysctl values to restore.
 */
import { linkGet } from '../../linux/netlink/link.js';
import { withNetnsRef } from '../../linux/netns.js';
import { isGateway, wantedPorts, wantedSysctls } from '../../model/desired/desired.js';
import { putEndpoint, removeEndpoint, renumber, withPhase } from '../../model/endpoint/edits.js';
import { withGateways } from '../../model/network/gateways.js';
import type { Observed } from '../../model/plan/observed.js';
import {
  exceptions,
  formerSysctl,
  inherited,
  isNeeded,
  isPurging,
  keptAdvertisements,
  type Scope,
  type Step,
} from '../../model/plan/plan.js';
import { isPending } from '../../model/state/lookup.js';
import type { NamespaceRef, State } from '../../model/state/state.js';
import { firstOfEach } from '../../model/state/unique-by.js';
import type { Node } from '../node/node.js';
import { hostEndOf } from './own-device.js';

/** Gateways are ports like others; networks ask for them, not users. */
export function addGateways(node: Node, before: State, state: State): State {
  const own: NamespaceRef = {
    ref: 'host',
    kind: 'node',
    path: node.paths.netns,
    cookie: 'node',
    created: false,
  };
  const picked: number[] = [];
  return withGateways(state, own, () => {
    const ifindex = freeIfindex(node, [before, state], picked);
    picked.push(ifindex);
    return ifindex;
  });
}

/**
 * An interface number that is free in the node's namespace. Chosen before the device is made, so that a plan
 * can name it.
 */
export function freeIfindex(
  node: Node,
  states: readonly State[],
  picked: readonly number[] = [],
): number {
  const recorded = states.flatMap(({ endpoints }) => endpoints.map(({ ifindex }) => ifindex));
  const taken = new Set([...recorded, ...picked]);
  let candidate = Math.max(1, ...taken) + 1;
  while (taken.has(candidate) || linkGet(node.rtnl(), { ifindex: candidate }) !== undefined) {
    candidate++;
  }
  return candidate;
}

/** The scope also includes what an earlier command left unfinished, and gateways that come or go. */
export function widen(scope: Scope, before: State, after: State): Scope {
  if (scope === 'node') return scope;
  const endpoints = new Set(scope.endpoints);
  const networks = new Set(scope.networks);
  const known = new Set(before.endpoints.map(({ id }) => id));
  for (const endpoint of [...before.endpoints, ...after.endpoints]) {
    const { id, phase, network } = endpoint;
    if (phase !== 'ready' || !known.has(id)) endpoints.add(id);
    if (endpoints.has(id)) networks.add(network);
  }
  return { ...scope, endpoints, networks };
}

/** A device that was deleted by hand is made again, under a number that is free now. */
export function renewDevices(node: Node, state: State, scope: Scope): State {
  let renewed = state;
  for (const { endpoint } of wantedPorts(state)) {
    if (scope !== 'node' && !scope.endpoints.has(endpoint.id)) continue;
    const link = linkGet(node.rtnl(), { ifindex: endpoint.ifindex });
    if (link === undefined) continue;
    if (hostEndOf(node, endpoint) !== undefined) {
      // The owner of an adopted device chooses its name.
      const isRenamed = endpoint.adopted !== undefined && link.name !== endpoint.hostIfname;
      if (isRenamed) renewed = putEndpoint(renewed, { ...endpoint, hostIfname: link.name });
      continue;
    }
    renewed = renumber(renewed, endpoint.id, freeIfindex(node, [renewed]));
  }
  return renewed;
}

/** Drop endpoints whose namespace is gone. */
export function dropDead(state: State, observed: Observed): State {
  let alive = state;
  for (const endpoint of state.endpoints) {
    const found = observed.ports.get(endpoint.id);
    // A namespace that is still to be made is not gone, unless something else now has its name.
    const isToBe = isPending(endpoint.namespace) && found?.nameUse !== 'taken';
    if (found?.namespace === 'gone' && !isToBe && endpoint.phase !== 'detaching') {
      alive = removeEndpoint(alive, endpoint.id);
    }
  }
  return alive;
}

/** Record the values of host sysctls before they change. */
export function recordSysctls(state: State, observed: Observed): State {
  const recorded = new Set(state.sysctls.map(({ key }) => key));
  const fresh = [...wantedSysctls(state)].flatMap(([key, value]) => {
    const before = formerSysctl(state, key, observed.sysctls.get(key) ?? value);
    if (recorded.has(key)) return [];
    // Another root changed it first: the value from before that change is restored after both are gone.
    if (before === value) return inherited(key, observed).filter((each) => !recorded.has(each.key));
    const devices = exceptions(key, before, observed).filter((each) => !recorded.has(each.key));
    return [
      { key, before, value },
      ...devices.map((each) => ({ key: each.key, before: each.value, value: each.value })),
    ];
  });
  if (fresh.length === 0) return state;
  const kept = isPurging(fresh.map(({ key }) => key)) ? keptAdvertisements(observed) : [];
  const others = kept.filter(({ key }) => !recorded.has(key));
  return {
    ...state,
    sysctls: [...state.sysctls, ...firstOfEach([...fresh, ...others], ({ key }) => key)],
  };
}

/** The state after every step was taken. */
export function settle(state: State): State {
  let settled = state;
  for (const endpoint of state.endpoints) {
    const { id, phase } = endpoint;
    const { pending, ...namespace } = endpoint.namespace;
    if (phase === 'detaching') settled = removeEndpoint(settled, id);
    else if (pending) settled = putEndpoint(settled, { ...endpoint, namespace });
    if (phase === 'attaching') settled = withPhase(settled, id, 'ready');
  }
  const wanted = wantedSysctls(settled);
  const sysctls = settled.sysctls.filter(({ key }) => isNeeded(key, wanted));
  return finished(sysctls.length === settled.sysctls.length ? settled : { ...settled, sysctls });
}

function finished(state: State): State {
  if (state.unfinished === undefined) return state;
  const { unfinished, ...rest } = state;
  return rest;
}

/** Record the cookies of namespaces that were made. */
export function withCookies(state: State): State {
  if (!state.endpoints.some(({ namespace }) => namespace.cookie === '')) return state;
  return {
    ...state,
    endpoints: state.endpoints.map((endpoint) => {
      const { namespace } = endpoint;
      if (namespace.cookie !== '') return endpoint;
      const cookie = withNetnsRef(namespace.ref, (made) => String(made.cookie));
      return { ...endpoint, namespace: { ...namespace, cookie } };
    }),
  };
}

/** Sysctls of the host that steps change, for the user. */
export function noteSysctls(steps: readonly Step[]): string[] {
  return steps.flatMap((step) =>
    step.op === 'sysctl.set'
      ? [`host sysctl ${step.key.replaceAll('/', '.')}: ${step.was} -> ${step.value}`]
      : [],
  );
}

/** Whether two states say the same. */
export function isSameState(a: State, b: State): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Containers cannot reach the host's own ports, so their failures count when a command names them. */
export function gatewaysIn({ endpoints }: State, scope: Scope): ReadonlySet<number> {
  if (scope === 'node') return new Set();
  const gateways = endpoints.filter((each) => isGateway(each) && scope.networks.has(each.network));
  return new Set(gateways.map(({ id }) => id));
}
