/** Who is at the other end of a connection, and whether it is still connected, as the kernel knows it. */
import type { Socket } from 'node:net';
import { hasHungUp, type Peer, peerOf } from '../../../loader/sys/socket.js';

/** @returns undefined if the connection has just ended */
export function peerOfSocket(socket: Socket): Peer | undefined {
  return asked(socket, peerOf);
}

/**
 * Whether the caller has closed the connection. Asks the kernel: Node notices it only after reading all
 * earlier data.
 */
export function hasGone(socket: Socket): boolean {
  return asked(socket, hasHungUp) ?? true;
}

/** Node does not expose the descriptor of a socket, but offers no other way to ask. */
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
