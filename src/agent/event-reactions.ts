/** What the agent reacts to: events become tasks of its loop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DpctlError } from '../../loader/errors.js';
import type { Readiness } from '../api/operations.js';
import { nodeExists } from '../control/change/prepared-node.js';
import { usesTcx } from '../datapath/hook.js';
import type { Notices } from '../linux/netlink/monitor.js';
import type { Service } from '../linux/service.js';
import type { State } from '../model/state/state.js';
import { newActionQueue } from './action-queue.js';
import type { AgentOptions } from './agent.js';
import { guardBuild } from './build-guard.js';
import { newFollower } from './cluster/follower.js';
import { errorFields } from './log.js';
import {
  addDeleted,
  clearReasons,
  newLookReasons,
  stillHolds,
  takeDeleted,
} from './look-reasons.js';
import { DEAD, FULL, looksOf, PROMOTE } from './looks.js';
import { type Found, jittered, startLoop } from './loop.js';
import { schedulePromotions } from './promotions.js';
import {
  deletedDevices,
  type Interest,
  interestOf,
  NO_INTEREST,
  noticed,
} from './relevant-notices.js';
import { type Served, serveApi } from './server/serve.js';
import type { Claim } from './single-instance.js';
import { newNoticeListener, watchStore } from './triggers.js';

/** Milliseconds to wait for the other notices of one event, and for a command to finish its work. */
const SETTLE = 250;
/** Milliseconds after which a change marked as unfinished counts as killed. */
const UNFINISHED = 500;
/** Milliseconds that a look has to finish when the agent must end. The next look finishes what is left. */
const LAST_LOOK = 700;
/** Milliseconds after which a look counts as stuck: the service manager then hears no more from the agent. */
const STUCK = 120_000;

/** Milliseconds between two checks whether dpctl was replaced. */
const BUILD_CHECK = 10_000;
/** Errors after which an agent leaves the node to the next one. */
const FATAL: ReadonlySet<string> = new Set(['AGENT_RUNNING', 'AGENT_OUTDATED']);

/** A running agent. */
export interface Reactions {
  /** Look at everything now. */
  look(): void;
  /** React to nothing more; settles when the running look has ended, or within a second. */
  stop(): Promise<void>;
}

/**
 * Begin with a full look, and look again at every event.
 * @param onFatal called with an error after which the agent cannot go on
 * @throws DpctlError KERNEL_* if the kernel sends no notices of devices
 */
export function startReacting(
  { node, log, interval }: Omit<AgentOptions, 'signal'>,
  service: Service,
  claim: Claim,
  onFatal: (error: unknown) => void,
): Reactions {
  const queue = newActionQueue();
  const reasons = newLookReasons();
  const follower = newFollower({ node, log, queue });
  const closing = new AbortController();
  /** Unknown until the store has been read: earlier notices may be about anything. */
  let interest: Interest | undefined;
  let ready: Readiness = { ready: false, why: 'the agent has not checked the node yet' };
  let hasLooked = false;
  let api: Promise<Served | undefined> | undefined;
  /** The last reported reason why the API is not served. */
  let said = '';

  const guard = guardBuild(node);
  const hold = (): boolean => {
    try {
      guard.check();
      return claim.hold();
    } catch (error) {
      if (error instanceof DpctlError && FATAL.has(error.code)) onFatal(error);
      throw error;
    }
  };
  const isNeeded = (): boolean => stillHolds(reasons, interest?.devices, performance.now());
  const onNotices = (notices: Notices): void => {
    if (notices === 'lost') {
      log.debug('the kernel dropped notices: checking the whole node');
      reasons.everything = true;
    } else if (interest === undefined) {
      reasons.everything = true;
    } else {
      for (const device of noticed(notices, interest)) reasons.devices.add(device);
    }
    const deleted = notices === 'lost' ? undefined : deletedDevices(notices);
    addDeleted(reasons, deleted);
    if (deleted?.length !== 0) loop.ask(DEAD);
    if (isNeeded()) loop.ask(FULL, SETTLE);
  };
  const promotions = schedulePromotions(node, (delay) => loop.ask(PROMOTE, delay));
  const onState = (state: State): void => {
    interest = interestOf(state);
    reasons.unfinished = state.unfinished === true;
    follower.check(state);
    // A first command has chosen the node's namespace, or a reset has left it.
    loop.ask(DEAD);
    if (state.rootId === undefined && nodeExists(node)) {
      // What is left of a reset, or of a first command that was refused, is removed.
      reasons.everything = true;
      loop.ask(FULL, SETTLE);
    }
    if (reasons.unfinished) loop.ask(FULL, UNFINISHED);
    promotions.changed(state);
  };
  const listener = newNoticeListener(node, onNotices);

  /**
   * After each look: schedule the next slow one, update what is known of the node, and notify the service
   * manager.
   */
  const after = async (look: string, found: Found): Promise<void> => {
    try {
      await queue.run(async () => {
        if (!nodeExists(node)) {
          interest = NO_INTEREST;
          node.close();
        } else {
          if (hold()) api ??= serve();
          const { state } = await node.store.load();
          interest = interestOf(state);
          follower.check(state);
          // Tables that were lost and made again have no entries of other nodes.
          if (look === FULL && found !== 'nothing') follower.compare();
        }
      });
    } catch {
      // The look itself has reported why the store cannot be read.
    }
    hear();
    if (look !== FULL) return;
    if (found === 'failed') reasons.everything = true;
    const time = new Date().toISOString().slice(11, 19);
    const words = {
      nothing: 'all is as requested',
      changed: 'repaired',
      failed: 'not all is as requested',
    };
    const status = `STATUS=${words[found]} (${time} UTC), ${interest?.devices.size ?? 0} devices`;
    service.notify(...(hasLooked ? [] : ['READY=1']), status);
    if (!hasLooked) log.info({ found: words[found] }, 'the first full look is done');
    hasLooked = true;
    ready = found === 'failed' ? { ready: false, why: words.failed } : { ready: true, why: '' };
  };
  const serve = async (): Promise<Served | undefined> => {
    try {
      return await serveApi({ node, queue, log, hold, ready: () => ready });
    } catch (error) {
      const fields = errorFields(error);
      const words = JSON.stringify(fields);
      log[words === said ? 'debug' : 'error'](
        fields,
        'the API cannot start; commands work without the agent',
      );
      said = words;
      // The next look tries again.
      api = undefined;
      return undefined;
    }
  };
  const hear = (): void => {
    try {
      if (!listener.follow()) return;
      // Covers events from before the agent listened.
      reasons.everything = true;
      loop.ask(FULL);
    } catch (error) {
      log.warn(
        errorFields(error),
        'the kernel sends no notices of devices: only full looks find changes',
      );
    }
  };

  const looks = looksOf({
    ...{ node, log, queue, hold, after, taken: guard.taken },
    takeDeleted: () => takeDeleted(reasons),
    giveBack: (devices) => addDeleted(reasons, devices),
    stillHolds: isNeeded,
    begins: () => clearReasons(reasons, performance.now() + jittered(interval)),
    again: () => loop.ask(FULL, UNFINISHED),
    promoteIn: promotions.dueIn,
    promoteLater: (delay) => loop.ask(PROMOTE, delay),
  });
  const loop = startLoop(
    looks.map((task) =>
      task.name === FULL
        ? {
            ...task,
            run: () => task.run().finally(() => loop.ask(FULL, reasons.slow - performance.now())),
          }
        : task,
    ),
  );
  // Before the first look, so that later events are not missed.
  listener.follow();
  node.filterFirst = usesTcx();
  loop.ask(FULL);
  void watchStore(node, closing.signal, log, onState);
  const replaced = setInterval(() => {
    try {
      hold();
    } catch {
      // What is not fatal is the next look's to report.
    }
  }, BUILD_CHECK);
  const watchdog =
    service.watchdog === undefined
      ? undefined
      : setInterval(() => {
          if (loop.busyFor() < STUCK) service.notify('WATCHDOG=1');
        }, service.watchdog / 3);

  return {
    look() {
      reasons.everything = true;
      loop.insist(FULL);
    },
    async stop() {
      closing.abort();
      clearInterval(replaced);
      clearInterval(watchdog);
      listener.close();
      const ended = Promise.all([
        ...[loop.stop(), follower.stop()],
        api?.then((served) => served?.close()),
      ]);
      await Promise.race([ended, sleep(LAST_LOOK, undefined, { ref: false })]);
      if (loop.busyFor() === 0) node.close();
    },
  };
}
