/** Carry out a plan, or undo all of it when a step fails. */
import { DpctlError, errnoOf } from '../../../loader/errors.js';
import { advice, type Hint, run, withoutRepeat } from '../../../loader/hint.js';
import { putEndpoint } from '../../model/endpoint/edits.js';
import { endpointOfEntry, isFinal, type Step } from '../../model/plan/plan.js';
import { isPending } from '../../model/state/lookup.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { withNewNamespaces } from '../endpoint/new-namespaces.js';
import type { Node } from '../node/node.js';
import type { Applied } from '../steps/actions.js';
import { describeStep, execute, undo } from '../steps/table.js';
import { withCookies } from './derive-state.js';
import { type Failure, failureOf } from './endpoint-failures.js';
import { faultPoint } from './fault-injection.js';
import { isVanished } from './vanished-devices.js';

/** The change to carry out. */
export interface Work {
  readonly before: State;
  /** Revision of the state before the change. */
  readonly revision: number;
  /** The requested state: endpoints that come or go carry their phase. */
  readonly after: State;
  /** The state once all steps are done. */
  readonly settled: State;
  readonly steps: readonly Step[];
  /** Endpoints that the command names: a failed step of theirs fails the whole change. */
  readonly about: ReadonlySet<number>;
  /** Attach programs by filters where there are no links yet. */
  readonly filterFirst?: boolean | undefined;
}

/** The result of the change. */
export interface Done extends Applied {
  /** Other endpoints that failed; their remaining steps were skipped. */
  readonly failures: readonly Failure[];
}

/**
 * Take the steps of a plan. The requested state is saved first, marked as unfinished, so the next command
 * finishes a command that is killed.
 * @throws the error of the failed step. Everything is then as before; or, where undoing failed too, the
 *   requested state stays recorded as unfinished, and the error says so
 */
export function applyPlan(node: Node, work: Work): Promise<Done> {
  return withNewNamespaces(work, (known, namespaces) => carryOut(node, known, namespaces));
}

async function carryOut(
  node: Node,
  work: Work,
  namespaces: ReadonlyMap<string, number>,
): Promise<Done> {
  const { before, revision, after, settled, steps } = work;
  const applied: Applied = { hook: undefined, namespaces, filterFirst: work.filterFirst };
  const failed = new Map<number, Failure>();
  const intent: State = { ...after, unfinished: true };
  faultPoint('store.intent');
  const saved = await node.store.save({ revision, state: before }, intent);
  const done: Step[] = [];
  let current: Step | undefined;
  try {
    for (const [index, step] of steps.entries()) {
      current = step;
      faultPoint(`step.${index}`);
      const owner = ownerOf(step, after);
      if (owner !== undefined && failed.has(owner.id)) continue;
      try {
        await execute(node, step, applied);
        done.push(step);
      } catch (error) {
        const failure = survivable(error, step, owner, work);
        if (owner === undefined || failure === undefined) throw error;
        failed.set(owner.id, failure);
      }
    }
    current = undefined;
    faultPoint('store.ready');
    await node.store.save(saved, withCookies(withFailed(settled, after, failed)));
  } catch (error) {
    const failure = current === undefined ? error : blame(error, current, before);
    if (done.some(isFinal)) throw unfinished(failure, []);
    const failures = await takeBack(
      node,
      done.filter((step) => !failed.has(ownerOf(step, after)?.id ?? 0)),
    );
    // When the outcome is unknown, the next command inspects the whole node.
    const back = isInDoubt(failure) ? { ...before, unfinished: true as const } : before;
    if (failures.length === 0)
      failures.push(...(await attempt(() => node.store.save(saved, back))));
    throw failures.length === 0 ? failure : unfinished(failure, failures);
  }
  faultPoint('done');
  return { ...applied, failures: [...failed.values()] };
}

/** A step of an endpoint that the command does not name may fail: its namespace may be in any condition. */
function survivable(
  error: unknown,
  step: Step,
  owner: Endpoint | undefined,
  { about, before }: Work,
): Failure | undefined {
  if (!(error instanceof DpctlError) || owner === undefined || about.has(owner.id))
    return undefined;
  // All endpoints share the tables and the program, so errors there count; but another process may delete a
  // pair meanwhile.
  const isDevice = 'endpoint' in step || 'port' in step;
  const isLost = step.op === 'tc.attach' && errnoOf(error) === 'ENODEV';
  if (!isDevice && !isLost) return undefined;
  return failureOf(owner, blame(error, step, before) as DpctlError);
}

/** Failed endpoints keep their phase: the next reconcile tries them again. */
function withFailed(settled: State, after: State, failed: ReadonlyMap<number, Failure>): State {
  if (failed.size === 0) return settled;
  const kept = after.endpoints.filter(
    ({ id, phase, namespace }) => failed.has(id) && (phase === 'detaching' || isPending(namespace)),
  );
  return kept.reduce(putEndpoint, settled);
}

/** Whether the kernel may have done the failed step: its answer was lost. */
function isInDoubt(error: unknown): boolean {
  return error instanceof DpctlError && error.details.inDoubt === true;
}

/**
 * Undo steps, last one first, continuing after failures. A device that has vanished needs no undoing.
 * @returns the errors
 */
async function takeBack(node: Node, done: readonly Step[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const [index, step] of [...done.entries()].reverse()) {
    try {
      faultPoint(`undo.${index}`);
      await undo(node, step);
    } catch (error) {
      if (!isVanished(error, step.op)) failures.push(error);
    }
  }
  return failures;
}

async function attempt(action: () => Promise<unknown>): Promise<unknown[]> {
  try {
    await action();
    return [];
  } catch (error) {
    return [error];
  }
}

/**
 * Name the step that failed. A failing endpoint that an earlier command left unfinished blocks every later
 * command, so the hint shows a way around it.
 */
function blame(error: unknown, step: Step, before: State): unknown {
  if (!(error instanceof DpctlError)) return error;
  const { step: op, subject } = describeStep(step);
  const endpoint = endpointOf(step);
  const known = before.endpoints.find(({ id }) => id === endpoint?.id);
  const isOld = before.unfinished === true && known !== undefined && known.phase !== 'detaching';
  const around = isOld
    ? advice`${run`detach ${known.namespace.ref}`}, if it is no longer needed`
    : undefined;
  const hint = isInDoubt(error) ? run`reconcile` : (error.hint ?? around);
  return new DpctlError(error.code, error.message, {
    exitCode: error.exitCode,
    ...(hint !== undefined && { hint }),
    details: { ...error.details, step: op, subject },
    cause: error.cause,
  });
}

function endpointOf(step: Step): { readonly id: number } | undefined {
  if ('endpoint' in step) return step.endpoint;
  if ('port' in step) return step.port.endpoint;
  if (step.op === 'table.put') return { id: endpointOfEntry(step.entry) };
  return 'id' in step ? { id: step.id } : undefined;
}

function ownerOf(step: Step, { endpoints }: State): Endpoint | undefined {
  const id = endpointOf(step)?.id;
  return id === undefined ? undefined : endpoints.find((each) => each.id === id);
}

/** The first error, with a note that part of the change stays. */
function unfinished(error: unknown, failures: readonly unknown[]): unknown {
  const first = error instanceof Error ? error.message : String(error);
  const why = failures.map((failure) => (failure instanceof Error ? failure.message : failure));
  const message = [`${first}; the change is half done`, ...why.map((text) => `undo: ${text}`)];
  const known = error instanceof DpctlError ? error : undefined;
  const remedy = [error, ...failures].map(remedyOf).find((hint) => hint !== undefined);
  return new DpctlError(known?.code ?? 'UNFINISHED', message.join('; '), {
    exitCode: known?.exitCode ?? 2,
    hint: remedy === undefined ? run`reconcile` : advice`${remedy}; then: ${run`reconcile`}`,
    details: { ...known?.details, unfinished: true },
    cause: known === undefined ? error : known.cause,
  });
}

/** What the user must do before reconcile can finish the change: the command itself need not be repeated. */
function remedyOf(error: unknown): Hint | undefined {
  if (!(error instanceof DpctlError) || error.hint === undefined) return undefined;
  return withoutRepeat(error.hint);
}
