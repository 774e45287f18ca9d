/** What the parts of the API share. */
import type { Readiness } from '../../api/operations.js';
import type { Node } from '../../control/node/node.js';
import type { Turn } from '../turn.js';
import type { Log } from './log.js';

/** What requests are answered with. */
export interface Context {
  /** A node that is open for one look, and closed after it: looks do not wait for changes. */
  openLook(): Node;
  /** The node that is changed, in turns. */
  readonly node: Node;
  readonly turn: Turn;
  readonly log: Log;
  readonly ready: () => Readiness | Promise<Readiness>;
  /** Where the agent stands (linux/standing.ts). */
  readonly standing: string;
  /** Aborted when the agent goes. */
  readonly signal: AbortSignal;
  /** performance.now() of when it began to answer. */
  readonly since: number;
}
