/** Calls of the CNI plugin: its client prints the body of the answer as it is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CniCall } from '../../api/cni.js';
import { type OperationName, ROUTES } from '../../api/operations.js';
import { answerCni } from '../../runtimes/cni/cni.js';
import type { Ask } from '../../runtimes/cni/node.js';
import { perform } from '../operations.js';
import type { Context } from './context.js';
import { type Caller, changeInTurn } from './in-turn.js';
import { showLife } from './life.js';
import { bodyOf, checkedBy } from './request.js';
import { type Refusal, sendJson } from './response.js';
import { CNI_CALL } from './schemas/requests.js';

/** Of an error that the plugin reports: the client then exits with 1. */
const STATUS_OF_ERROR = 422;

/** Answer a call. @returns why it is refused, before anything was done */
export async function answerCniCall(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<Refusal | undefined> {
  const given = await bodyOf(request);
  if ('status' in given) return given;
  const found = checkedBy<CniCall>(CNI_CALL, given.body);
  if ('status' in found) return found;
  const stop = showLife(response);
  try {
    const ask = asking(context, { gone, socket: request.socket });
    const { success, output } = await answerCni({ ask }, found.request);
    if (output !== undefined) sendJson(response, success ? 200 : STATUS_OF_ERROR, output);
    else response.writeHead(204).end();
  } finally {
    stop();
  }
  return undefined;
}

/** Changes in turn; looks on a node of their own. */
function asking(context: Context, caller: Caller): Ask {
  const ask = async (name: OperationName, request: object): Promise<unknown> => {
    if (ROUTES[name].method === 'POST') return changeInTurn(context, name, request, caller);
    const node = context.openLook();
    try {
      return await perform(node, name, request as never);
    } finally {
      node.close();
    }
  };
  return ask as Ask;
}
