/**
 * The one way in which anything changes: edit the desired state, compare it with the kernel,
 * take the steps, undo them if one fails. The edit is written before the first step, marked as
 * unfinished, so a command that is killed is finished by the next one.
 */
import { existsSync } from 'node:fs';
import { installDatapath, pruneBuilds } from '../kernel/datapath.js';
import { hostPath } from '../kernel/mountns.js';
import { linkGet } from '../kernel/netlink.js';
import { closeNetns, openNetnsRef } from '../kernel/netns.js';
import { wantedPorts, wantedSysctls } from '../model/desired.js';
import { removeEndpoint, renumber, withGateways, withPhase } from '../model/edit.js';
import type { Observed } from '../model/observed.js';
import { plan, type Scope, type Step } from '../model/plan.js';
import type { NamespaceRef, State } from '../model/state.js';
import { describeStep } from './describe.js';
import { faultPoint } from './fault.js';
import { inspect } from './inspect.js';
import { hostPins, type Node, prepareNode } from './node.js';
import { type Applied, execute, undo } from './steps.js';
import type { ChangeOptions, ChangeResult } from './types.js';

/** What an edit gives back: the new state and the part of the node that it is about. */
export interface Edited {
  readonly state: State;
  readonly scope: Scope;
}

/** A finished change, with what its caller reports. */
export interface Changed extends ChangeResult {
  readonly state: State;
  readonly hook: Applied['hook'];
}

/**
 * Change a node.
 * @param edit from the state as it is to the state as asked; it may look at the kernel but
 *   changes nothing, and runs under the node's lock
 * @throws whatever a step throws, after all steps before it were undone
 */
export async function change(
  node: Node,
  options: ChangeOptions,
  edit: (state: State) => Edited | Promise<Edited>,
): Promise<Changed> {
  const start = performance.now();
  if (options.dryRun === true) {
    const { planned } = await prepare(node, edit);
    return result(start, planned, undefined, []);
  }
  await prepareNode(node);
  const release = await node.store.lock();
  try {
    installDatapath(hostPins(node));
    const { planned, before } = await prepare(node, edit);
    const applied: Applied = { hook: undefined };
    const changed = planned.steps.length > 0 || !sameState(before, planned.after);
    if (changed) await carryOut(node, before, planned, applied);
    const notes = changed ? noteSysctls(planned.steps) : [];
    return result(start, planned, applied.hook, notes);
  } finally {
    release();
  }
}

interface Planned {
  readonly after: State;
  /** `after` without what is on its way out, and nothing unfinished. */
  readonly settled: State;
  readonly steps: readonly Step[];
  readonly observed: Observed;
  readonly changed: boolean;
}

async function prepare(node: Node, edit: (state: State) => Edited | Promise<Edited>) {
  const before = node.store.load();
  const edited = await edit(before);
  const gateways = addGateways(node, before, edited.state);
  const scope = widen(edited.scope, before, gateways);
  const renewed = renewDevices(node, gateways, scope);
  const observed = await inspect(node, { before, after: renewed, scope });
  const after = recordSysctls(dropDead(renewed, observed), observed);
  const steps = plan({ before, after, scope, observed });
  const settled = settle(after);
  const changed = steps.length > 0 || !sameState(before, settled);
  const planned: Planned = { after, settled, steps, observed, changed };
  return { before, planned };
}

async function carryOut(node: Node, before: State, planned: Planned, applied: Applied) {
  const { after, settled, steps } = planned;
  faultPoint('store.intent');
  node.store.save(before, after);
  const done: Step[] = [];
  try {
    for (const [index, step] of steps.entries()) {
      faultPoint(`step.${index}`);
      await execute(node, step, applied);
      done.push(step);
    }
    faultPoint('store.ready');
    node.store.save(after, withCookies(settled));
  } catch (error) {
    for (const step of done.reverse()) await undo(node, step);
    node.store.save(after, before);
    throw error;
  }
  pruneBuilds(hostPins(node));
  faultPoint('done');
}

function result(
  start: number,
  { settled, steps, changed }: Planned,
  hook: Applied['hook'],
  notes: readonly string[],
): Changed {
  return {
    state: settled,
    changed,
    plan: steps.map(describeStep),
    notes,
    milliseconds: performance.now() - start,
    hook,
  };
}

/** Gateways are ports like others; networks ask for them, not people. */
function addGateways(node: Node, before: State, state: State): State {
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
 * An interface number that is free in the node's namespace. Asked for when a device is made, so
 * that a plan can name it beforehand.
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

/** What an earlier command left unfinished, and the gateways that came or went, are in scope too. */
function widen(scope: Scope, before: State, after: State): Scope {
  if (scope === 'node') return scope;
  const endpoints = new Set(scope.endpoints);
  const networks = new Set(scope.networks);
  const known = new Set(before.endpoints.map(({ id }) => id));
  for (const endpoint of [...before.endpoints, ...after.endpoints]) {
    const { id, phase, network } = endpoint;
    if (phase !== 'ready' || !known.has(id)) endpoints.add(id);
    if (endpoints.has(id)) networks.add(network);
  }
  return { endpoints, networks };
}

/** A device that was deleted by hand is made again, under a number that is free now. */
function renewDevices(node: Node, state: State, scope: Scope): State {
  let renewed = state;
  for (const { endpoint } of wantedPorts(state)) {
    if (scope !== 'node' && !scope.endpoints.has(endpoint.id)) continue;
    const link = linkGet(node.rtnl(), { ifindex: endpoint.ifindex });
    if (link === undefined || link.name === endpoint.hostIfname) continue;
    if (link.alias?.startsWith('dpctl ') === true && link.kind === 'veth') continue;
    renewed = renumber(renewed, endpoint.id, freeIfindex(node, [renewed]));
  }
  return renewed;
}

/** Endpoints whose namespace is gone have nothing left to be attached to. */
function dropDead(state: State, observed: Observed): State {
  let alive = state;
  for (const endpoint of state.endpoints) {
    const found = observed.ports.get(endpoint.id);
    // A namespace that is still to be made has no identity yet.
    const pending = endpoint.namespace.cookie === '' || endpoint.phase === 'detaching';
    if (found?.namespace === 'gone' && !pending) {
      alive = removeEndpoint(alive, endpoint.id);
    }
  }
  return alive;
}

/** The value that a host sysctl had is remembered before it is changed. */
function recordSysctls(state: State, observed: Observed): State {
  const recorded = new Set(state.sysctls.map(({ key }) => key));
  const fresh = [...wantedSysctls(state)].flatMap(([key, value]) => {
    const before = observed.sysctls.get(key) ?? value;
    return recorded.has(key) || before === value ? [] : [{ key, before, value }];
  });
  return fresh.length === 0 ? state : { ...state, sysctls: [...state.sysctls, ...fresh] };
}

/** The state when every step was taken. */
function settle(state: State): State {
  let settled = state;
  for (const { id, phase } of state.endpoints) {
    if (phase === 'detaching') settled = removeEndpoint(settled, id);
    if (phase === 'attaching') settled = withPhase(settled, id, 'ready');
  }
  const wanted = wantedSysctls(settled);
  const sysctls = settled.sysctls.filter(({ key }) => wanted.has(key));
  return sysctls.length === settled.sysctls.length ? settled : { ...settled, sysctls };
}

/** Namespaces that were made have an identity now. */
function withCookies(state: State): State {
  if (!state.endpoints.some(({ namespace }) => namespace.cookie === '')) return state;
  return {
    ...state,
    endpoints: state.endpoints.map((endpoint) => {
      const { namespace } = endpoint;
      if (namespace.cookie !== '') return endpoint;
      const made = openNetnsRef(namespace.ref);
      closeNetns(made);
      return { ...endpoint, namespace: { ...namespace, cookie: String(made.cookie) } };
    }),
  };
}

function sameState(a: State, b: State): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function noteSysctls(steps: readonly Step[]): string[] {
  return steps.flatMap((step) =>
    step.op === 'sysctl.set'
      ? [`host sysctl ${step.key.replaceAll('/', '.')}: ${step.was} -> ${step.value}`]
      : [],
  );
}

/** Whether anything of the node is there at all. */
export function nodeExists({ paths }: Node): boolean {
  return existsSync(hostPath(paths.runDir)) || existsSync(hostPath(paths.stateDir));
}
