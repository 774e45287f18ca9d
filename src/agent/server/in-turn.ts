/** Changes, one after another. */
import type { Socket } from 'node:net';
import { DpctlError } from '../../../loader/errors.js';
import { failureOf } from '../../api/failure.js';
import type { OperationName } from '../../api/operations.js';
import { perform } from '../operations.js';
import type { Context } from './context.js';
import { hasGone } from './peer.js';

/** The caller, and whether it is still connected. */
export interface Caller {
  readonly gone: AbortSignal;
  readonly socket: Socket;
}

/** Carry out a change, unless its caller disconnected before it began and no longer waits for it. */
export async function changeInTurn(
  { node, queue, log, hold }: Context,
  name: OperationName,
  request: object,
  { gone, socket }: Caller,
): Promise<unknown> {
  return queue.run(async () => {
    if (hasGone(socket))
      throw new DpctlError('CALLER_GONE', `${name}: its client has disconnected`);
    hold();
    const start = performance.now();
    const took = (): number => Math.round((performance.now() - start) * 10) / 10;
    try {
      const result = await perform(node, name, request as never);
      log.info({ operation: name, request, milliseconds: took() }, `${name}: done`);
      return result;
    } catch (error) {
      const { code, msg } = failureOf(error);
      log.warn({ operation: name, request, code, milliseconds: took() }, `${name}: ${msg}`);
      throw error;
    }
  }, gone);
}
