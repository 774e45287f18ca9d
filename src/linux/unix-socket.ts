/** Unix sockets in directories with long names. */
import { constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { closeFd } from '../../loader/sys/files.js';

/** Length of sun_path (unix(7)) in bytes, including the NUL. */
const SUN_PATH = 108;

/** A path that the kernel accepts as the address of a socket, for as long as it is open. */
export interface SocketAddress {
  readonly path: string;
  close(): void;
}

/**
 * The address of a socket at a path: the path itself, or a short one through a descriptor of its directory.
 * @throws the system's error if the directory does not exist
 */
export function socketAddress(path: string): SocketAddress {
  if (Buffer.byteLength(path) < SUN_PATH) return { path, close: () => {} };
  const fd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${fd}/${basename(path)}`, close: () => closeFd(fd) };
}
