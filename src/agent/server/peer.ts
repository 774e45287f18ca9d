/** Who is at the other end of a connection, and whether it is there still: the kernel knows. */
import type { Socket } from 'node:net';
import { hasHungUp, type Peer, peerOf } from '../../../loader/sys/socket.js';

/** @returns undefined where the connection has just ended */
export function peerOfSocket(socket: Socket): Peer | undefined {
  return asked(socket, peerOf);
}

/**
 * Whether who asked has closed the connection. The kernel is asked: Node learns of it only when it has read
 * all that came before.
 */
export function hasGone(socket: Socket): boolean {
  return asked(socket, hasHungUp) ?? true;
}

/** Node keeps the descriptor of a socket to itself, but has no other way to ask these. */
function asked<T>(socket: Socket, question: (fd: number) => T): T | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } };
  const fd = handle?.fd ?? -1;
  if (fd < 0) return undefined;
  try {
    return question(fd);
  } catch {
    return undefined;
  }
}
