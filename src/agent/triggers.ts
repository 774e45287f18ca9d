/** What makes the agent look: the kernel's notices in the node's namespace, and saves of commands. */
import { setTimeout as sleep } from 'node:timers/promises';
import { netnsCookie } from '../../loader/sys/netns.js';
import type { Node } from '../control/node/node.js';
import { monitorRtnl, type Notices } from '../linux/netlink/monitor.js';
import type { State } from '../model/state/state.js';
import { errorFields, type Logger } from './log.js';

/** Milliseconds until the store is watched again after the kernel refused it. */
const RETRY = 30_000;

/** Receives the kernel's notices in a node's namespace, whichever it currently is. */
export interface NoticeListener {
  /** Listen in the node's current namespace. @returns whether it is another one than before */
  follow(): boolean;
  close(): void;
}

/** A listener that is not open yet. */
export function newNoticeListener(
  node: Node,
  onNotices: (notices: Notices) => void,
): NoticeListener {
  let cookie: bigint | undefined;
  let stop = (): void => {};
  return {
    follow() {
      const now = netnsCookie(node.netnsFd());
      if (now === cookie) return false;
      stop();
      stop = () => {};
      cookie = undefined;
      stop = monitorRtnl(node.netnsFd(), onNotices);
      cookie = now;
      return true;
    },
    close: () => stop(),
  };
}

/** Pass on each saved state, until the signal. Does not throw. */
export async function watchStore(
  node: Node,
  signal: AbortSignal,
  log: Logger,
  onState: (state: State) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { state } of node.store.watch({ signal })) onState(state);
    } catch (error) {
      log.warn(errorFields(error), 'until then, only full looks notice commands');
      await sleep(RETRY, undefined, { signal }).catch(() => {});
    }
  }
}
