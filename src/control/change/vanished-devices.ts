/**
 * Devices that vanish during a change. The kernel deletes the devices of a dead namespace some time after its
 * last process ended, so a device in the plan may be gone when its step runs.
 */
import { DpctlError, errnoOf } from '../../../loader/errors.js';
import type { Step } from '../../model/plan/plan.js';
import type { Changed, Edit } from './change.js';

/** How often a change is planned again: a device that vanishes every time has another cause. */
export const VANISHED_ROUNDS = 3;

/** Steps that need a device which another process may delete. */
const DEVICE_STEPS: ReadonlySet<unknown> = new Set<Step['op']>([
  'pair.create',
  'host.set',
  'inner.set',
  'loopback.up',
  'loopback.down',
  'address.add',
  'address.delete',
  'route.add',
  'route.delete',
  'endpoint.announce',
  'tc.attach',
  'tc.detach',
]);

/**
 * Errors of the kernel for a device, a file of it, or a link (ENOLINK: a tcx link without a device) that is
 * gone.
 */
const GONE: ReadonlySet<unknown> = new Set(['ENODEV', 'ENOENT', 'ENOLINK']);

/**
 * Whether a step failed because its device or namespace no longer exists.
 * @param op of the step; by default the one that the error names
 */
export function isVanished(error: unknown, op?: Step['op']): boolean {
  if (!(error instanceof DpctlError) || !DEVICE_STEPS.has(op ?? error.details.step)) return false;
  return error.code === 'NETNS_GONE' || GONE.has(errnoOf(error));
}

/** Whether a failed change left nothing behind and may see a different node when planned again. */
export function mayPlanAnew(error: unknown): boolean {
  return isVanished(error) && error instanceof DpctlError && error.details.unfinished !== true;
}

/**
 * An edit that requests nothing new and looks again at endpoints whose devices vanished during the change;
 * undefined if there are none.
 */
export function vanishedEdit({ failures, state }: Changed<unknown>): Edit<undefined> | undefined {
  const ids = new Set(failures.filter(({ error }) => isVanished(error)).map(({ id }) => id));
  if (ids.size === 0) return undefined;
  const networks = state.endpoints.filter(({ id }) => ids.has(id)).map(({ network }) => network);
  const scope = { endpoints: ids, networks: new Set(networks) };
  return (current) => ({ state: current, scope, about: new Set(), result: undefined });
}

/** Merge the result of a change with the result of the follow-up for its vanished devices. */
export function withFollowed<T>(first: Changed<T>, next: Changed<unknown>): Changed<T> {
  return {
    ...next,
    result: first.result,
    changed: true,
    steps: [...first.steps, ...next.steps],
    plan: [...first.plan, ...next.plan],
    notes: [...first.notes, ...next.notes],
    hook: first.hook ?? next.hook,
    failures: [...first.failures.filter(({ error }) => !isVanished(error)), ...next.failures],
  };
}
