/** The API of a node: HTTP/1.1 and JSON on a Unix socket beside the node's lock. */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Readiness } from '../../api/operations.js';
import { type Node, openNode } from '../../control/node/node.js';
import { hostPath } from '../../linux/mountns.js';
import { isThere } from '../../linux/path-status.js';
import { processContext } from '../../linux/process-context.js';
import { type ActionQueue, newActionQueue } from '../action-queue.js';
import type { Context } from './context.js';
import { handle } from './handle.js';
import { type Log, SILENT } from './log.js';
import { peerOfSocket } from './peer.js';
import { rawAnswer } from './response.js';
import { type BoundSocket, bindSocket } from './socket.js';

/** Milliseconds for a whole request, and for its headers: clients are on this machine. */
const REQUEST_TIMEOUT = 10_000;
const HEAD_TIMEOUT = 5_000;
/** Milliseconds for which a connection without a request stays open. */
const IDLE_TIMEOUT = 5_000;
/** Milliseconds between two checks for slow clients, and for the socket's name. */
const LOOK = 1_000;
const HEAD_MAX = 16 * 1024;
/** Concurrent connections; further ones are closed, and dpctl itself then works without the agent. */
const CONNECTIONS_MAX = 64;

export interface ServeOptions {
  /** The node that changes use, in turns. */
  readonly node: Node;
  /** Path of the socket, if not in the node's run directory. */
  readonly socketPath?: string;
  /** Shared with everything in this process that changes the node. */
  readonly queue?: ActionQueue;
  readonly log?: Log;
  /**
   * Become the node's only agent, or stay it, and of the present build: called before each change, and before the socket is made.
   * @returns false on a node that is not in use; without it, the node's run directory must exist
   */
  readonly hold?: () => boolean;
  /** Whether the node matches its desired state, as far as its agent knows. */
  readonly ready?: () => Readiness | Promise<Readiness>;
  /** Closes the API when it is aborted. */
  readonly signal?: AbortSignal;
}

/** A running API. */
export interface Served {
  readonly socketPath: string;
  /** Accept no more requests, end streams, wait for running changes, and remove the socket. */
  close(): Promise<void>;
}

/** Path of the API's socket on a node. */
function apiSocket(node: Pick<Node, 'paths'>): string {
  return join(hostPath(node.paths.runDir), 'agent.sock');
}

/**
 * Serve the API of a node until it is closed. A reset removes the socket with the node's directory; the
 * socket is made again as soon as the node has a directory.
 * @throws DpctlError AGENT_RUNNING, exit 5
 */
export async function serveApi(options: ServeOptions): Promise<Served> {
  const { node, queue = newActionQueue(), log = SILENT } = options;
  const socketPath = options.socketPath ?? apiSocket(node);
  const hold = options.hold ?? (() => isThere(dirname(socketPath)));
  const closing = new AbortController();
  const context: Context = {
    openLook: () => openNode({ root: node.paths.root }),
    ...{ node, queue, log, hold, signal: closing.signal },
    ready: options.ready ?? (() => ({ ready: true, why: '' })),
    processContext: processContext(),
    since: performance.now(),
  };
  let server = newServer(context);
  let bound = await bindSocket(server, socketPath);
  let renewing: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    if (bound.isBound()) return;
    renewing = renewing.then(renew).catch((error: unknown) => {
      log.warn({ socket: socketPath }, `the socket cannot be created again: ${String(error)}`);
    });
  }, LOOK);
  timer.unref();
  log.info({ socket: socketPath }, 'the API is open');
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= closeAll();
    return closed;
  };
  options.signal?.addEventListener('abort', () => void close(), { once: true });
  if (options.signal?.aborted) await close();
  return { socketPath, close };

  async function renew(): Promise<void> {
    if (closing.signal.aborted || bound.isBound() || !hold()) return;
    const [former, next] = [server, newServer(context)];
    const name: BoundSocket = await bindSocket(next, socketPath);
    [server, bound] = [next, name];
    // A reset may have removed the directory in between.
    if (!hold()) bound.unbind();
    former.close();
    former.closeIdleConnections();
    log.info({ socket: socketPath }, 'the API is open again');
  }

  async function closeAll(): Promise<void> {
    clearInterval(timer);
    closing.abort();
    await renewing;
    bound.unbind();
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    // Running changes are finished; requests that still wait for a response are dropped.
    await queue.run(() => {});
    setTimeout(() => server.closeAllConnections(), LOOK).unref();
    await ended;
    log.info({ socket: socketPath }, 'the API is closed');
  }
}

function newServer(context: Context): Server {
  const server = createServer({
    maxHeaderSize: HEAD_MAX,
    headersTimeout: HEAD_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    keepAliveTimeout: IDLE_TIMEOUT,
    connectionsCheckingInterval: LOOK,
  });
  server.maxConnections = CONNECTIONS_MAX;
  // Before Node's own listener, which reads.
  server.prependListener('connection', (socket) => admit(context.log, socket));
  server.on('request', (request, response) => void handle(context, request, response));
  server.on('error', (error) => context.log.error({}, String(error)));
  server.on('clientError', (error, socket) => refuseBytes(error, socket as Socket));
  return server;
}

/** Check the peer of a connection, although the socket's mode already keeps others out. */
function admit(log: Log, socket: Socket): void {
  const peer = peerOfSocket(socket);
  if (peer !== undefined && (peer.uid === 0 || peer.uid === process.getuid?.())) return;
  log.warn({ ...peer }, 'refused a connection of another user');
  socket.destroy();
}

/** Input that is not HTTP, too long, or too slow. */
function refuseBytes(error: Error & { readonly code?: string }, socket: Socket): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(answerTo(error.code));
  // A client that does not read cannot hold the connection.
  socket.setTimeout(LOOK, () => socket.destroy());
}

function answerTo(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return rawAnswer(
        431,
        'Request Header Fields Too Large',
        'HEAD_TOO_LARGE',
        'the head is too large',
      );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return rawAnswer(408, 'Request Timeout', 'TOO_SLOW', 'the request did not come in time');
    default:
      return rawAnswer(400, 'Bad Request', 'BAD_HTTP', 'this is no HTTP request');
  }
}
