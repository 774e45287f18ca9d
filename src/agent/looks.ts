/**
 * What the agent does on its node: a quick look for dead endpoints, and a full one that repairs everything.
 */
import { DpctlError } from '../../loader/errors.js';
import type { Hint } from '../../loader/hint.js';
import type { ChangeResult } from '../api/change.js';
import { nodeExists } from '../control/change/prepared-node.js';
import { clearDead } from '../control/endpoint/clear-dead.js';
import { promoteOne } from '../control/endpoint/promote.js';
import type { Node } from '../control/node/node.js';
import { reconcileIfNeeded } from '../control/node/reconcile-if-needed.js';
import { hintText } from '../model/hint.js';
import { tryLockThere } from '../store/lock.js';
import type { ActionQueue } from './action-queue.js';
import { errorFields, type Logger } from './log.js';
import { backOff, type Found, type Task } from './loop.js';

/** The names of the tasks. */
export const DEAD = 'dead';
export const FULL = 'full';
export const PROMOTE = 'promote';

/** A quick look rests for as long as it took, up to this many milliseconds: notices come by the hundred. */
const DEAD_REST = 20;
/**
 * A full look takes at most a fifth of the time, however many notices come: it rests for this many times its
 * duration, and at least for FULL_REST milliseconds.
 */
const FULL_DUTY = 4;
const FULL_REST = 100;
/**
 * A promotion holds the kernel's lock of all devices nearly all the time it takes, and rests for this many
 * times its duration, so that others have the lock meanwhile.
 */
const PROMOTE_DUTY = 4;
/** Milliseconds until a retry: after the first failure, and at most. */
const DEAD_RETRY = [100, 10_000] as const;
const FULL_RETRY = [1_000, 60_000] as const;
/**
 * Successive changes that are made without delay. After that, another program is probably undoing them.
 */
const EAGER = 3;
/** Successive looks that give way to a command that holds the node's lock. */
const YIELDS = 20;
/** Errors that point to another command, a reset or the agent's successor, and not to a problem. */
const PASSING: ReadonlySet<string> = new Set([
  'STORE_BUSY',
  'NODE_UNUSED',
  'AGENT_RUNNING',
  'AGENT_OUTDATED',
]);

/** What the looks need. */
export interface Looking {
  readonly node: Node;
  readonly log: Logger;
  readonly queue: ActionQueue;
  /** Become the node's only agent, or stay it, and of the present build. Throws if this one must end. */
  readonly hold: () => unknown;
  /** The node runs this build now. */
  readonly taken: () => void;
  /** Called after each look, whatever it found. Does not throw. */
  readonly after: (look: string, found: Found) => Promise<void>;
  /** Devices for the quick look: those that were deleted since the last one; all if undefined. */
  readonly takeDeleted: () => ReadonlySet<number> | undefined;
  /** The quick look at these failed: they are due again. */
  readonly giveBack: (devices: ReadonlySet<number> | undefined) => void;
  /** Whether the reason for a full look still holds. */
  readonly stillHolds: () => boolean;
  /** The full look begins: later requests are for another one. */
  readonly begins: () => void;
  /** Request another full look, later. */
  readonly again: () => void;
  /** Milliseconds until promotions may begin: requests go first. */
  readonly promoteIn: () => number;
  /** Request a promotion after so many milliseconds. */
  readonly promoteLater: (delay: number) => void;
}

/** The tasks of the agent's loop, the most urgent first. */
export function looksOf(looking: Looking): readonly Task[] {
  const { node, taken, stillHolds, begins, again, promoteIn, promoteLater } = looking;
  const dead = newLook(looking, DEAD, async () => {
    const devices = looking.takeDeleted();
    try {
      return await clearDead(node, devices);
    } catch (error) {
      looking.giveBack(devices);
      throw error;
    }
  });
  const full = newLook(looking, FULL, async () => {
    const result = await reconcileIfNeeded(node);
    if (nodeExists(node)) taken();
    return result;
  });
  const promote = newLook(looking, PROMOTE, () => promoteOne(node));
  let yields = 0;
  return [
    {
      name: DEAD,
      run: dead,
      rest: (found, streak, took) =>
        found === 'failed' ? backOff(streak, ...DEAD_RETRY) : Math.min(took, DEAD_REST),
    },
    {
      name: FULL,
      async run() {
        if (!stillHolds()) return 'nothing';
        // A command at work explains a half-done state.
        if (yields < YIELDS && isLocked(node)) {
          yields++;
          again();
          return 'nothing';
        }
        yields = 0;
        begins();
        return full();
      },
      rest(found, streak, took) {
        const spare = Math.max(FULL_REST, took * FULL_DUTY);
        if (found === 'failed') return Math.max(spare, backOff(streak, ...FULL_RETRY));
        if (found === 'changed' && streak > EAGER) {
          return Math.max(spare, backOff(streak - EAGER, ...FULL_RETRY));
        }
        return spare;
      },
    },
    {
      name: PROMOTE,
      async run() {
        const wait = promoteIn();
        if (wait > 0) {
          promoteLater(wait);
          return 'nothing';
        }
        const found = await promote();
        if (found === 'changed') promoteLater(0);
        return found;
      },
      rest: (found, streak, took) =>
        found === 'failed' ? backOff(streak, ...FULL_RETRY) : took * PROMOTE_DUTY,
    },
  ];
}

function newLook(
  { log, queue, hold, after }: Looking,
  name: string,
  look: () => Promise<ChangeResult | undefined>,
): () => Promise<Found> {
  /** The last reported error: repeating it is no news. */
  let said = '';
  const attempt = async (): Promise<Found> => {
    try {
      const result = await queue.run(() => {
        hold();
        return look();
      });
      if (said !== '') log.info({ look: name }, 'the problem is gone');
      said = '';
      if (result?.changed !== true) return 'nothing';
      sayChange(log, name, result);
      return 'changed';
    } catch (error) {
      const fields = errorFields(error);
      const isPassing = error instanceof DpctlError && PASSING.has(error.code);
      const words = JSON.stringify(fields);
      const level = isPassing || words === said ? 'debug' : isBug(error) ? 'error' : 'warn';
      if (!isPassing) said = words;
      log[level]({ look: name, ...fields }, 'not all is as requested; trying again');
      return 'failed';
    }
  };
  return async () => {
    const found = await attempt();
    await after(name, found);
    return found;
  };
}

function isBug(error: unknown): boolean {
  return !(error instanceof DpctlError);
}

function sayChange(log: Logger, look: string, { plan, notes, milliseconds }: ChangeResult): void {
  const steps = plan.map(({ step, subject, detail }) => `${step} ${subject} ${detail}`.trimEnd());
  const fields = { look, ms: Math.round(milliseconds * 10) / 10, notes: notes.map(textOf), steps };
  const repaired = steps.length === 1 ? 'repaired in 1 step' : `repaired in ${steps.length} steps`;
  log.info(fields, look === PROMOTE ? 'a link has replaced a filter' : repaired);
}

function textOf(note: Hint): string {
  return hintText(note);
}

/** Whether another process holds the node's lock right now. */
function isLocked(node: Node): boolean {
  if (!nodeExists(node)) return false;
  try {
    const lock = tryLockThere(node.store.lockPath, 'the agent');
    if (typeof lock === 'object') lock.release();
    return lock === 'held';
  } catch {
    // The look itself will find the cause.
    return false;
  }
}
