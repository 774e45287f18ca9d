/**
 * The one way in which anything changes: edit the desired state, compare it with the kernel,
 * take the steps, undo them if one fails. The edit is written before the first step, marked as
 * unfinished, so a command that is killed is finished by the next one.
 */
import { existsSync } from 'node:fs';
import { installDatapath, pruneBuilds } from '../kernel/datapath.js';
import { hostPath } from '../kernel/mountns.js';
import type { Observed } from '../model/observed.js';
import { plan, type Scope, type Step } from '../model/plan.js';
import type { State } from '../model/state.js';
import {
  addGateways,
  dropDead,
  recordSysctls,
  renewDevices,
  settle,
  widen,
  withCookies,
} from './adjust.js';
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
