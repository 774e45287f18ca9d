/** Unix sockets in directories with long names. */
import { constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { closeFd } from '../../loader/sys/files.js';

/** Bytes of sun_path (unix(7)) with the NUL. */
const SUN_PATH = 108;

/** A path that the kernel takes as the address of a socket, for as long as it is open. */
export interface SocketAddress {
  readonly path: string;
  close(): void;
}

/**
 * The address of a socket at a path: the path itself, or a short way to it by a descriptor of its directory.
 * @throws the system's error where the directory is not there
 */
export function socketAddress(path: string): SocketAddress {
  if (Buffer.byteLength(path) < SUN_PATH) return { path, close: () => {} };
  const fd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${fd}/${basename(path)}`, close: () => closeFd(fd) };
}
