/** A plan is carried out, or taken back whole where a step fails. */
import { DpctlError } from '../../loader/errors.js';
import { isFinal, type Step } from '../model/plan.js';
import type { State } from '../model/state.js';
import { withCookies } from './adjust.js';
import { describeStep } from './describe.js';
import { faultPoint } from './fault.js';
import type { Node } from './node.js';
import { type Applied, execute, undo } from './steps.js';

/** What is to be done. */
export interface Work {
  readonly before: State;
  /** As asked: what comes and goes is in its phase. */
  readonly after: State;
  /** When all steps are taken. */
  readonly settled: State;
  readonly steps: readonly Step[];
}

/**
 * Take the steps of a plan. What is asked is saved first, marked as unfinished: a command that is
 * killed is finished by the next one.
 * @throws whatever a step threw. Everything is as before then; or, where there was no way back, what
 *   is asked stays recorded as unfinished, and the error says so
 */
export async function applyPlan(node: Node, work: Work): Promise<Applied> {
  const { before, after, settled, steps } = work;
  const applied: Applied = { hook: undefined };
  const intent: State = { ...after, unfinished: true };
  faultPoint('store.intent');
  node.store.save(before, intent);
  const done: Step[] = [];
  let current: Step | undefined;
  try {
    for (const [index, step] of steps.entries()) {
      current = step;
      faultPoint(`step.${index}`);
      await execute(node, step, applied);
      done.push(step);
    }
    current = undefined;
    faultPoint('store.ready');
    node.store.save(intent, withCookies(settled));
  } catch (error) {
    const failure = current === undefined ? error : blame(error, current, before);
    if (done.some(isFinal)) throw unfinished(failure, []);
    const failures = await takeBack(node, done);
    if (failures.length === 0) failures.push(...attempt(() => node.store.save(intent, before)));
    throw failures.length === 0 ? failure : unfinished(failure, failures);
  }
  faultPoint('done');
  return applied;
}

/** Undo steps, the last one first, whatever becomes of each. @returns what went wrong */
async function takeBack(node: Node, done: readonly Step[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const [index, step] of [...done.entries()].reverse()) {
    try {
      faultPoint(`undo.${index}`);
      await undo(node, step);
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

function attempt(action: () => void): unknown[] {
  try {
    action();
    return [];
  } catch (error) {
    return [error];
  }
}

/**
 * Say which step failed. One of an endpoint that an earlier command left unfinished stands in the way
 * of every later one, so there is a way around it.
 */
function blame(error: unknown, step: Step, before: State): unknown {
  if (!(error instanceof DpctlError)) return error;
  const { step: op, subject } = describeStep(step);
  const endpoint = endpointOf(step);
  const known = before.endpoints.find(({ id }) => id === endpoint?.id);
  const isOld = before.unfinished === true && known !== undefined && known.phase !== 'detaching';
  const around = isOld ? `dpctl detach ${known.namespace.ref}, if it is of no use any more` : '';
  const hint = error.hint ?? around;
  return new DpctlError(error.code, error.message, {
    exitCode: error.exitCode,
    ...(hint !== '' && { hint }),
    details: { ...error.details, step: op, subject },
    cause: error.cause,
  });
}

function endpointOf(step: Step): { readonly id: number } | undefined {
  if ('endpoint' in step) return step.endpoint;
  if ('port' in step) return step.port.endpoint;
  return 'id' in step ? { id: step.id } : undefined;
}

/** The first error, with the word that something of the change stays. */
function unfinished(error: unknown, failures: readonly unknown[]): unknown {
  const first = error instanceof Error ? error.message : String(error);
  const why = failures.map((failure) => (failure instanceof Error ? failure.message : failure));
  const message = [`${first}; the change is half done`, ...why.map((text) => `undo: ${text}`)];
  const known = error instanceof DpctlError ? error : undefined;
  const remedy = [error, ...failures].map(remedyOf).find((hint) => hint !== undefined);
  const remedies = remedy === undefined ? [] : [remedy];
  return new DpctlError(known?.code ?? 'UNFINISHED', message.join('; '), {
    exitCode: known?.exitCode ?? 2,
    hint: [...remedies, 'dpctl reconcile'].join('; then: '),
    details: { ...known?.details, unfinished: true },
    cause: known === undefined ? error : known.cause,
  });
}

/** What has to be done before reconcile can finish it: the command itself need not be repeated. */
function remedyOf(error: unknown): string | undefined {
  if (!(error instanceof DpctlError)) return undefined;
  return error.hint?.replace(/, then repeat the command$/, '');
}
