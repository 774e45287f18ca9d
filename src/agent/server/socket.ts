/** The agent's socket in the file system: who owns it, and how it gets its name. */
import { chmodSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { DpctlError, errnoOfAny } from '../../../loader/errors.js';
import { type SocketAddress, socketAddress } from '../../linux/unix-socket.js';

/** For root only: write permission on a socket allows connecting to it. */
const MODE = 0o600;
/** Milliseconds for the server of a socket to accept a connection. */
const CONNECT_TIMEOUT = 1000;

/** A name under which a server listens. */
export interface BoundSocket {
  /** Whether the name still leads to this server. */
  isBound(): boolean;
  /** Remove the name, if it is this server's. */
  unbind(): void;
}

/**
 * Listen at a path in a directory that exists. The socket gets its name when it is ready, replacing one that a dead agent left.
 * @throws DpctlError AGENT_RUNNING, exit 5, if another process listens there
 */
export async function bindSocket(server: Server, path: string): Promise<BoundSocket> {
  await refuseLive(path);
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  const address = socketAddress(draft);
  try {
    await listen(server, address);
    chmodSync(draft, MODE);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    address.close();
  }
  const { dev, ino } = statSync(path);
  const isBound = (): boolean => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && found.dev === dev && found.ino === ino;
  };
  return {
    isBound,
    unbind() {
      if (isBound()) rmSync(path, { force: true });
    },
  };
}

async function listen(server: Server, { path }: SocketAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function refuseLive(path: string): Promise<void> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new DpctlError('AGENT_SOCKET', `${path} is where the agent's socket belongs`, {
      exitCode: 1,
      hint: 'move it away',
      details: { path },
    });
  }
  if (!(await isListening(path))) return;
  throw new DpctlError('AGENT_RUNNING', `another agent of this node listens at ${path}`, {
    exitCode: 5,
    hint: 'stop it first',
    details: { path },
  });
}

/** A server that does not accept in time still counts as listening. */
async function isListening(path: string): Promise<boolean> {
  const address = socketAddress(path);
  try {
    return await new Promise<boolean>((resolve) => {
      const socket = connect({ path: address.path, timeout: CONNECT_TIMEOUT });
      const settle = (answer: boolean): void => {
        socket.destroy();
        resolve(answer);
      };
      socket.on('connect', () => settle(true));
      socket.on('timeout', () => settle(true));
      socket.on('error', (error) => settle(errnoOfAny(error) === 'EAGAIN'));
    });
  } finally {
    address.close();
  }
}
