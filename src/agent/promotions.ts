/** When filters become links: while the node is quiet, so that requests go first. */
import { unpromoted } from '../control/endpoint/promote.js';
import type { Node } from '../control/node/node.js';
import type { State } from '../model/state/state.js';

/**
 * Milliseconds without a change after which filters become links, and after which they do in any case: a link
 * takes several times as long as the whole rest of an attach.
 */
const QUIET = 500;
const PROMOTE_WITHIN = 10_000;
/** The schedule of promotions. */
export interface Promotions {
  /** The node has changed: promotions wait until it is quiet. */
  changed(state: State): void;
  /** Milliseconds until one may begin; 0 or less: now. */
  dueIn(): number;
}

/** @param ask called to request a promotion after so many milliseconds */
export function schedulePromotions(node: Node, ask: (delay: number) => void): Promotions {
  /** When filters began to wait, and when the last change was seen; performance.now(). */
  let waitingSince: number | undefined;
  let lastChange = 0;
  return {
    changed(state) {
      lastChange = performance.now();
      const isWaiting = unpromoted(node, state).length > 0;
      waitingSince = isWaiting ? (waitingSince ?? lastChange) : undefined;
      if (isWaiting) ask(QUIET);
    },
    dueIn() {
      const until = Math.min(lastChange + QUIET, (waitingSince ?? lastChange) + PROMOTE_WITHIN);
      return Math.ceil(until - performance.now());
    },
  };
}
