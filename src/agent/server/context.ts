/** What the parts of the API share. */
import type { Readiness } from '../../api/operations.js';
import type { Node } from '../../control/node/node.js';
import type { ActionQueue } from '../action-queue.js';
import type { Log } from './log.js';

/** What request handlers use. */
export interface Context {
  /** Open a node for one look, to be closed after it: looks do not wait for changes. */
  openLook(): Node;
  /** The node for changes, used in turns. */
  readonly node: Node;
  readonly queue: ActionQueue;
  readonly log: Log;
  /** Become the node's only agent, or stay it. Throws if this one must end. */
  readonly hold: () => unknown;
  readonly ready: () => Readiness | Promise<Readiness>;
  /** The context of the agent's process (linux/process-context.ts). */
  readonly processContext: string;
  /** Aborted when the agent ends. */
  readonly signal: AbortSignal;
  /** performance.now() at the start of the API. */
  readonly since: number;
}
