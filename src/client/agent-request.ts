/** Ask an agent: one request, with a limit on how long it may stay silent. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { DpctlError } from '../../loader/errors.js';
import { advice, run } from '../../loader/hint.js';
import { CALLER, callerText } from '../api/caller.js';
import { errorOf, type Failure } from '../api/failure.js';
import { type OperationName, type RequestOf, type ResultOf, ROUTES } from '../api/operations.js';
import { BUILD } from '../api/version.js';
import { processContext } from '../linux/process-context.js';
import { socketAddress } from '../linux/unix-socket.js';
import type { AgentAt } from './find-agent.js';

/** A running request, abandoned if the agent stays silent. */
interface Asking {
  readonly agent: AgentAt;
  readonly request: ClientRequest;
  /** The agent has answered: it may have begun the operation. */
  begun: boolean;
  timer: NodeJS.Timeout | undefined;
  /** Why the wait was given up. */
  failure: DpctlError | undefined;
}

/**
 * Let an agent carry out an operation.
 * @returns undefined if the agent has not begun it, and will not: it is in other namespaces, is another
 *   build, or has just ended
 * @throws DpctlError what the operation throws there; AGENT_HUNG, AGENT_GONE, exit 5
 */
export async function askAgent<Name extends OperationName>(
  agent: AgentAt,
  name: Name,
  request: RequestOf<Name>,
): Promise<{ readonly result: ResultOf<Name> } | undefined> {
  const asking = start(agent, name, request);
  if (asking === undefined) return undefined;
  try {
    const response = await answerTo(asking);
    if (response === undefined) return undefined;
    if (isLines(response)) return { result: rowsOf(asking, response) as ResultOf<Name> };
    const body = bodyOf(await textOf(asking, response), agent);
    settle(asking);
    if (response.statusCode === 200) return { result: body as ResultOf<Name> };
    const failure = failureIn(body);
    if (failure === undefined) return undefined;
    throw errorOf(failure);
  } catch (error) {
    settle(asking);
    throw error;
  }
}

function start(agent: AgentAt, name: OperationName, request: object): Asking | undefined {
  const { method, path } = ROUTES[name];
  const members = request as Readonly<Record<string, unknown>>;
  const body = method === 'POST' ? JSON.stringify(request) : '';
  let address: ReturnType<typeof socketAddress>;
  try {
    address = socketAddress(agent.socket);
  } catch {
    return undefined;
  }
  const sent = httpRequest({
    socketPath: address.path,
    method,
    path: path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(String(members[key]))),
    headers: {
      [CALLER]: callerText({ build: BUILD, processContext: processContext() }),
      'content-length': Buffer.byteLength(body),
      ...(body !== '' && { 'content-type': 'application/json' }),
    },
    agent: false,
  });
  sent.once('close', () => address.close());
  const asking: Asking = {
    agent,
    request: sent,
    begun: false,
    timer: undefined,
    failure: undefined,
  };
  sent.on('information', () => {
    asking.begun = true;
    touch(asking);
  });
  touch(asking);
  sent.end(body);
  return asking;
}

/** @returns undefined if nothing was begun */
function answerTo(asking: Asking): Promise<IncomingMessage | undefined> {
  return new Promise((resolve, reject) => {
    asking.request.on('response', (response) => {
      asking.begun = true;
      touch(asking);
      resolve(response);
    });
    asking.request.on('error', () => {
      settle(asking);
      if (asking.failure !== undefined) reject(asking.failure);
      // It may have ended before it read the request: an agent answers before it begins.
      else if (asking.begun) reject(gone(asking.agent));
      else resolve(undefined);
    });
  });
}

function isLines({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 200 && headers['content-type'] === 'application/x-ndjson';
}

async function textOf(asking: Asking, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(asking, response)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The rows of a stream; its last line may be an error. */
async function* rowsOf(asking: Asking, response: IncomingMessage): AsyncGenerator<object> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of chunksOf(asking, response)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield rowOf(line, asking.agent);
    }
    if (rest !== '') throw gone(asking.agent);
  } finally {
    settle(asking);
    asking.request.destroy();
  }
}

function rowOf(line: string, agent: AgentAt): object {
  const row = bodyOf(line, agent);
  const failure = 'error' in row ? failureIn(row.error) : undefined;
  if (failure !== undefined) throw errorOf(failure);
  return row;
}

/** The chunks of a response; a connection that ends before the answer is complete is an error. */
async function* chunksOf(asking: Asking, response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      touch(asking);
      yield chunk;
    }
  } catch {
    throw asking.failure ?? gone(asking.agent);
  }
}

/** Restart the time in which the agent may stay silent. */
function touch(asking: Asking): void {
  clearTimeout(asking.timer);
  const { agent, begun, request } = asking;
  asking.timer = setTimeout(() => {
    asking.failure = hung(agent, begun);
    request.destroy(asking.failure);
  }, agent.timeout);
}

function settle(asking: Asking): void {
  clearTimeout(asking.timer);
}

function bodyOf(text: string, agent: AgentAt): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Ignored, as if nothing had come: it is not an agent's answer.
  }
  throw gone(agent);
}

/** An error that an agent reports; undefined if it refused the request before beginning. */
function failureIn(body: unknown): Failure | undefined {
  if (typeof body !== 'object' || body === null || !('raw' in body)) return undefined;
  const { raw, ...told } = body as Pick<Failure, 'code' | 'msg' | 'exitCode'> & {
    readonly raw: Pick<Failure, 'details' | 'hint' | 'causes'>;
  };
  return { ...told, ...raw };
}

function hung({ root, timeout }: AgentAt, begun: boolean): DpctlError {
  const what = begun ? 'the request may be half done' : 'nothing was started';
  return new DpctlError(
    'AGENT_HUNG',
    `the agent of this node (${root}) has not answered for ${timeout / 1000} s; ${what}`,
    {
      exitCode: 5,
      hint: 'use --direct (DPCTL_DIRECT=1) to work without it, or stop it and try again',
      details: { root, timeout },
    },
  );
}

function gone({ root }: AgentAt): DpctlError {
  return new DpctlError(
    'AGENT_GONE',
    `the agent of this node (${root}) ended before it answered; the request may be half done`,
    {
      exitCode: 5,
      hint: advice`repeat the command, or ${run`reconcile`}`,
      details: { root },
    },
  );
}
