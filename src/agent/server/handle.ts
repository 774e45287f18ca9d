/** One request: what it asks for is found, checked, carried out in its turn, and answered. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BUILD } from '../../api/build.js';
import { failureOf } from '../../api/failure.js';
import {
  type Health,
  type OperationName,
  type Readiness,
  type Revision,
  ROUTES,
} from '../../api/operations.js';
import type { Node } from '../../control/node/node.js';
import type { Store } from '../../store/store.js';
import { perform } from '../operations.js';
import type { Turn } from '../turn.js';
import { errorBody, type Refusal, refusal, sendJson, statusOf } from './answer.js';
import { sendLines } from './lines.js';
import type { Log } from './log.js';
import { type Asked, askedBy, bodyOf, checked } from './request.js';

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

/** The header by which dpctl itself says where it stands, and which build it is. */
export const CALLER = 'dpctl-caller';
/** Milliseconds between two signs of life to dpctl itself, which gives up an agent that shows none. */
const SIGN_OF_LIFE = 1000;

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
    if (refused !== undefined) refuse(response, refused, raw);
  } catch (error) {
    if (gone.signal.aborted) return;
    const failure = failureOf(error);
    if (statusOf(error) === 500) {
      const stack = error instanceof Error ? error.stack : undefined;
      context.log.error({ url: request.url, code: failure.code, stack }, failure.msg);
    }
    sendJson(response, statusOf(error), errorBody(error, raw));
    // An answer that has begun cannot be taken back.
    if (!response.writableEnded) response.destroy();
  }
}

/** A name, a path or a pid may mean something else where the caller is; another build may mean something else by a request. */
function refuseElsewhere({ standing }: Context, { headers }: IncomingMessage): Refusal | undefined {
  const caller = headers[CALLER];
  if (caller === undefined) return undefined;
  const [build = '', ...rest] = String(caller).split(' ');
  if (rest.join(' ') !== standing) {
    return refusal(421, 'AGENT_ELSEWHERE', 'the agent is in other namespaces than you are');
  }
  if (build !== '-' && BUILD !== '' && build !== BUILD) {
    return refusal(421, 'AGENT_OTHER_BUILD', 'the agent runs another build');
  }
  return undefined;
}

function refuse(response: ServerResponse, { status, error, isLast }: Refusal, raw: boolean): void {
  const allowed = error.details.allowed;
  if (status === 405 && Array.isArray(allowed)) response.setHeader('allow', allowed.join(', '));
  if (isLast === true) {
    response.setHeader('connection', 'close');
    // What it still sends is nobody's.
    response.on('finish', () => response.req.destroy());
  }
  sendJson(response, status, errorBody(error, raw));
}

/** @returns why it cannot be asked for */
async function answer(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<Refusal | undefined> {
  const asked = askedBy(request);
  if ('status' in asked) return asked;
  if ('agent' in asked) {
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
    await answerOperation(context, name, found.request, response, { gone, raw });
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

/** Interim answers for as long as the answer takes. */
function showLife(response: ServerResponse): () => void {
  const sign = (): void => {
    if (!response.headersSent && !response.destroyed) response.writeProcessing();
  };
  sign();
  const timer = setInterval(sign, SIGN_OF_LIFE);
  return () => clearInterval(timer);
}

/** Who asks, and whether it is there still. */
interface Caller {
  readonly gone: AbortSignal;
  readonly raw: boolean;
}

async function answerOperation(
  context: Context,
  name: OperationName,
  request: object,
  response: ServerResponse,
  { gone, raw }: Caller,
): Promise<void> {
  if (ROUTES[name].method === 'POST') {
    sendJson(response, 200, await changeInTurn(context, name, request, gone));
    return;
  }
  const node = context.openLook();
  try {
    // The names are those of the table: what was checked is the request of this operation.
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

/** A change whose caller has gone before it was begun is not made: nobody waits for it any more. */
async function changeInTurn(
  { node, turn, log }: Context,
  name: OperationName,
  request: object,
  gone: AbortSignal,
): Promise<unknown> {
  // What ended while nobody looked (a stopped process) is told of first.
  await nextTurn();
  return turn.take(async () => {
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

async function answerOfAgent(
  context: Context,
  what: Extract<Asked, { agent: unknown }>['agent'],
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  switch (what) {
    case 'health': {
      const uptime = Math.round((performance.now() - context.since) / 100) / 10;
      const health: Health = { pid: process.pid, uptime, build: BUILD };
      sendJson(response, 200, health);
      return;
    }
    case 'ready': {
      const readiness = await context.ready();
      sendJson(response, readiness.ready ? 200 : 503, readiness);
      return;
    }
    case 'openapi': {
      const { openapi } = await import('./openapi.js');
      sendJson(response, 200, openapi());
      return;
    }
    case 'watch': {
      const node = context.openLook();
      const signal = AbortSignal.any([gone, context.signal]);
      try {
        await sendLines(response, revisions(node.store, signal), signal, { live: true });
      } finally {
        node.close();
      }
    }
  }
}

async function* revisions(store: Store, signal: AbortSignal): AsyncGenerator<Revision> {
  for await (const { revision, state } of store.watch({ signal })) {
    const { endpoints, networks, nodes } = state;
    yield {
      revision,
      endpoints: endpoints.length,
      networks: networks.length,
      nodes: nodes.length,
    };
  }
}
