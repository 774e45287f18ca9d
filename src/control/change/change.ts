/**
 * The only way to change a node: edit the desired state, compare it with the kernel, take the steps, undo
 * them if one fails. The edit is written before the first step, marked as unfinished, so the next command
 * finishes a command that is killed.
 */
import { randomBytes } from 'node:crypto';
import type { Hint } from '../../../loader/hint.js';
import { netnsCookie } from '../../../loader/sys/netns.js';
import type { ChangeResult } from '../../api/change.js';
import { installedProgramId } from '../../datapath/install.js';
import { removeEndpoint } from '../../model/endpoint/edits.js';
import { refusedDecap } from '../../model/overlay/decap.js';
import { plan, type Scope, type Step } from '../../model/plan/plan.js';
import { ROOT_ID_BYTES, rootIdOf, withMarks } from '../../model/state/ownership-mark.js';
import { DECAPS, type Endpoint, type State } from '../../model/state/state.js';
import { claimed } from '../cluster/claimed.js';
import { deadNotes, findDead, withDead } from '../endpoint/dead-namespaces.js';
import { keptNotes } from '../endpoint/namespace-occupants.js';
import { refuseOtherNamespace } from '../node/namespace.js';
import { hostPins, type Node } from '../node/node.js';
import type { Applied } from '../steps/actions.js';
import { describeStep } from '../steps/table.js';
import { followUnderlay, underlayNotes } from '../underlay/follow-device.js';
import type { ResolveOptions } from '../underlay/resolve.js';
import { applyPlan, type Done, type Work } from './apply.js';
import {
  addGateways,
  dropDead,
  gatewaysIn,
  isSameState,
  noteSysctls,
  recordSysctls,
  renewDevices,
  settle,
  widen,
} from './derive-state.js';
import { blockedPorts, endpointsFailed, type Failure } from './endpoint-failures.js';
import { inspect } from './inspect.js';
import { type MendOptions, type Readiness, whenReady } from './prepared-node.js';
import { unreachablePorts } from './refuse-unreachable.js';
import { mayPlanAnew, VANISHED_ROUNDS, vanishedEdit, withFollowed } from './vanished-devices.js';

/** The result of an edit: the new state, the part of the node it concerns, and what the caller reports. */
export interface Edited<T> {
  readonly state: State;
  readonly scope: Scope;
  /**
   * Endpoints that the command names: if one of them fails, so does the command. Others cannot hold it up.
   */
  readonly about?: ReadonlySet<number>;
  /** Attach programs by filters where there are no links yet. */
  readonly filterFirst?: boolean | undefined;
  /** It takes over what the cluster has: nothing is claimed there. */
  readonly fromCluster?: boolean;
  readonly result: T;
}

/**
 * An edit of the desired state. It may read the kernel but changes nothing. Dead endpoints are already
 * removed from the state: their addresses are free.
 */
export type Edit<T> = (state: State, dead: readonly Endpoint[]) => Edited<T> | Promise<Edited<T>>;

/** A finished change, with what its caller reports. */
export interface Changed<T> extends ChangeResult {
  /** What the edit returned; its last result if it ran more than once. */
  readonly result: T;
  readonly state: State;
  readonly steps: readonly Step[];
  readonly hook: Applied['hook'];
  /** Endpoints that are not as requested, because of something inside or beside their namespaces. */
  readonly failures: readonly Failure[];
}

/**
 * Change a node.
 * @param edit maps the current state to the requested one; it runs under the node's lock, and once before
 *   that on a node that is still to be prepared
 * @throws what the edit or a step throws; see {@link applyPlan} for the state of the node then
 */
export async function change<T>(
  node: Node,
  options: MendOptions,
  edit: Edit<T>,
): Promise<Changed<T>> {
  const start = performance.now();
  if (options.dryRun === true) return preview(node, edit);
  // Refuse before making anything.
  const check = (): Promise<unknown> => prepare(node, edit);
  const section = (found: Readiness) => attempt(node, edit, start, { ...options, ...found });
  const changed = await node.kept.during(() => whenReady(node, section, check, options));
  if (changed.failures.length > 0) throw endpointsFailed(changed.failures);
  return changed;
}

/**
 * The changes that an edit would make.
 * @param keepDead plan as if namespaces that are gone were attached again: shows what differs for other
 *   reasons
 */
export async function preview<T>(node: Node, edit: Edit<T>, keepDead = false): Promise<Changed<T>> {
  const start = performance.now();
  node.refresh();
  const planned = await node.kept.during(() => prepare(node, edit, { keepDead }));
  return changedBy(start, planned, undefined, planned.failures);
}

/**
 * Plan and apply. Plans again when the kernel refuses what was chosen for the underlay, and when a device
 * vanishes during the change.
 */
async function attempt<T>(
  node: Node,
  edit: Edit<T>,
  start: number,
  options: PrepareOptions,
  rounds = VANISHED_ROUNDS,
): Promise<Changed<T>> {
  const planned = await prepare(node, edit, options);
  let applied: Done | undefined;
  let notes: readonly Hint[] = [];
  try {
    if (planned.changed) {
      ({ done: applied, notes } = await claimed(node, planned, () => applyPlan(node, planned)));
    }
  } catch (error) {
    if (rounds > 0 && mayPlanAnew(error)) return attempt(node, edit, start, options, rounds - 1);
    return attempt(node, edit, start, otherDecap(error, planned, options), rounds);
  }
  const failures = [...planned.failures, ...(applied?.failures ?? [])];
  const all = { ...planned, notes: [...planned.notes, ...notes] };
  const changed = changedBy(start, all, applied?.hook, failures);
  const follow = rounds > 0 ? vanishedEdit(changed) : undefined;
  if (follow === undefined) return changed;
  return withFollowed(changed, await attempt(node, follow, start, {}, rounds - 1));
}

/** Options without the decap mode that the kernel has refused. @throws the error, if it is a different one */
function otherDecap(error: unknown, { after }: Work, options: PrepareOptions): PrepareOptions {
  const refusal = refusedDecap(error);
  if (refusal === undefined || after.underlay?.decap === refusal.decap) throw error;
  const refused = [...(options.refused ?? []), refusal];
  // The kernel may refuse every decap mode except the last, which needs nothing from it.
  if (refused.length > DECAPS.length) throw error;
  return { ...options, refused };
}

interface Planned<T> extends Work {
  readonly result: T;
  readonly fromCluster: boolean;
  readonly changed: boolean;
  readonly notes: readonly Hint[];
  readonly failures: readonly Failure[];
}

interface PrepareOptions extends Pick<MendOptions, 'devices'> {
  /** Tables were lost, so the whole node is inspected. */
  readonly rebuilt?: boolean;
  /** Decap modes that the kernel has refused. */
  readonly refused?: ResolveOptions['refused'];
  /** Endpoints whose namespaces are gone stay desired. */
  readonly keepDead?: boolean;
}

async function prepare<T>(
  node: Node,
  edit: Edit<T>,
  { rebuilt = false, refused = [], keepDead = false, devices }: PrepareOptions = {},
): Promise<Planned<T>> {
  const { state: before, revision } = await node.store.load();
  refuseOtherNamespace(node, before);
  node.kept.release();
  const dead = keepDead ? [] : findDead(node, before, devices);
  const living = dead.reduce((state, { id }) => removeEndpoint(state, id), before);
  const edited = await edit(living, dead);
  // A command that did not end may have stopped anywhere, and devices made by an older dpctl have no marks.
  const unmarked = before.rootId === undefined && before.endpoints.length > 0;
  const whole = before.unfinished === true || rebuilt || unmarked || edited.scope === 'node';
  const followed = followUnderlay(node, before, edited.state, { fresh: whole, refused });
  const gateways = addGateways(node, before, followed.state);
  const all = whole || followed.state.resolvedUnderlay !== before.resolvedUnderlay;
  const scope = all ? 'node' : widen(withDead(edited.scope, dead), before, gateways);
  const renewed = renewDevices(node, gateways, scope);
  const about = edited.about ?? gatewaysIn(renewed, edited.scope);
  const input = { before, after: renewed, scope, about };
  const observed = await inspect(node, input, installedProgramId(hostPins(node)));
  const failures = [
    ...blockedPorts(renewed, observed, about),
    ...unreachablePorts(before, edited.state, observed, about),
  ];
  const alive = keepDead ? renewed : dropDead(renewed, observed);
  const asked = recordSysctls(alive, observed);
  const after = withMarks({
    ...asked,
    rootId: before.rootId ?? newRootId(),
    netns: String(netnsCookie(node.netnsFd())),
  });
  const steps = plan({ before, after, scope, observed });
  const settled = settle(after);
  const notes = [
    ...deadNotes(dead),
    ...noteSysctls(steps),
    ...keptNotes(after, observed),
    ...underlayNotes(before, settled, followed.problem),
  ];
  return {
    result: edited.result,
    fromCluster: edited.fromCluster === true,
    before,
    revision,
    after,
    settled,
    steps,
    about,
    filterFirst: edited.filterFirst,
    failures,
    // A new id alone is not worth saving: the first device that is made brings one.
    changed: steps.length > 0 || !isSameState(before, settle(asked)),
    notes,
  };
}

/** The first change chooses the id; it is kept with the records. */
function newRootId(): string {
  return rootIdOf(randomBytes(ROOT_ID_BYTES));
}

function changedBy<T>(
  start: number,
  { result, settled, steps, changed, notes }: Planned<T>,
  hook: Applied['hook'],
  failures: readonly Failure[],
): Changed<T> {
  return {
    result,
    state: settled,
    changed,
    steps,
    plan: steps.map(describeStep),
    notes,
    milliseconds: performance.now() - start,
    hook,
    failures,
  };
}
