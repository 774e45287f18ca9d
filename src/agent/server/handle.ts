/** One request: find its operation, check it, carry it out in turn, and answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CALLER, callerOf } from '../../api/caller.js';
import { failureOf } from '../../api/failure.js';
import { type OperationName, ROUTES } from '../../api/operations.js';
import { BUILD } from '../../api/version.js';
import { perform } from '../operations.js';
import { answerOfAgent } from './agent-status.js';
import { answerCniCall } from './cni.js';
import type { Context } from './context.js';
import { type Caller, changeInTurn } from './in-turn.js';
import { sendLines } from './json-stream.js';
import { showLife } from './life.js';
import { type Asked, askedBy, bodyOf, checked } from './request.js';
import { errorBody, type Refusal, refusal, sendJson, statusOf } from './response.js';

/** Answer a request. Never throws. */
export async function handle(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.on('error', () => gone.abort());
  request.on('error', () => gone.abort());
  const raw = request.headers[CALLER] !== undefined;
  try {
    const refused =
      refuseElsewhere(context, request) ?? (await answer(context, request, response, gone.signal));
    if (refused !== undefined) refuse(response, refused);
  } catch (error) {
    if (gone.signal.aborted) return;
    const failure = failureOf(error);
    if (statusOf(error) === 500) {
      const stack = error instanceof Error ? error.stack : undefined;
      context.log.error({ url: request.url, code: failure.code, stack }, failure.msg);
    }
    sendJson(response, statusOf(error), errorBody(error, raw));
    // A response that has begun cannot be taken back.
    if (!response.writableEnded) response.destroy();
  }
}

/**
 * A name, a path or a pid may mean something else to the caller; another build may mean something else by a
 * request.
 */
function refuseElsewhere(
  { processContext }: Context,
  { headers }: IncomingMessage,
): Refusal | undefined {
  const caller = headers[CALLER];
  if (caller === undefined) return undefined;
  const { build, processContext: there } = callerOf(String(caller));
  if (there !== processContext) {
    return refusal(421, 'AGENT_ELSEWHERE', 'the agent is in other namespaces than you are');
  }
  if (build !== '' && BUILD !== '' && build !== BUILD) {
    return refusal(421, 'AGENT_OTHER_BUILD', 'the agent runs another build');
  }
  return undefined;
}

/** Without fields for dpctl itself: nothing was begun, so dpctl works without the agent. */
function refuse(response: ServerResponse, { status, error, isLast }: Refusal): void {
  const allowed = error.details.allowed;
  if (status === 405 && Array.isArray(allowed)) response.setHeader('allow', allowed.join(', '));
  if (isLast === true) {
    response.setHeader('connection', 'close');
    // The server no longer reads what the client still sends.
    response.on('finish', () => response.req.destroy());
  }
  sendJson(response, status, errorBody(error, false));
}

/** @returns why it is refused */
async function answer(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<Refusal | undefined> {
  const asked = askedBy(request);
  if ('status' in asked) return asked;
  if ('agent' in asked) {
    if (asked.agent === 'cni') return answerCniCall(context, request, response, gone);
    await answerOfAgent(context, asked.agent, response, gone);
    return undefined;
  }
  const { name } = asked;
  const given = await givenTo(asked, request);
  if ('status' in given) return given;
  const found = checked(name, given.body);
  if ('status' in found) return found;
  const raw = request.headers[CALLER] !== undefined;
  const stop = raw ? showLife(response) : () => {};
  try {
    await answerOperation(context, name, found.request, response, {
      gone,
      raw,
      socket: request.socket,
    });
  } finally {
    stop();
  }
  return undefined;
}

async function givenTo(
  asked: Extract<Asked, { name: OperationName }>,
  request: IncomingMessage,
): Promise<{ body: unknown } | Refusal> {
  return ROUTES[asked.name].method === 'POST' ? bodyOf(request) : { body: asked.parameters };
}

interface OwnCaller extends Caller {
  /** The caller is dpctl itself. */
  readonly raw: boolean;
}

async function answerOperation(
  context: Context,
  name: OperationName,
  request: object,
  response: ServerResponse,
  caller: OwnCaller,
): Promise<void> {
  const { gone, raw } = caller;
  if (ROUTES[name].method === 'POST') {
    sendJson(response, 200, await changeInTurn(context, name, request, caller));
    return;
  }
  const node = context.openLook();
  try {
    // The names are those of the table: the checked request belongs to this operation.
    const result = await perform(node, name, request as never);
    if (name !== 'dump') {
      sendJson(response, 200, result);
      return;
    }
    const signal = AbortSignal.any([gone, context.signal]);
    await sendLines(response, result as Iterable<object>, signal, { raw });
  } finally {
    node.close();
  }
}
