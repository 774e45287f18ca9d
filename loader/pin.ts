import { closeSync, unlinkSync } from 'node:fs';
import { errnoOf, kernelError } from './errors.js';
import { checkBpf, libbpf } from './libbpf.js';
import { cString } from './libc.js';
import { errnoFromNode } from './sys/files.js';

/**
 * Give a map, program or link a name in a bpffs, so that it outlives this process.
 * @throws DpctlError KERNEL_EEXIST when the name is taken
 */
export function pin(fd: number, path: string): void {
  checkBpf(`bpf_obj_pin ${path}`, libbpf().bpf_obj_pin(fd, cString(path)));
}

/**
 * Remove a pin; the object goes with its last reference.
 * @returns false when there was none
 */
export function unpin(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (cause) {
    const errno = errnoFromNode(cause);
    if (errno === undefined) throw cause;
    const error = kernelError(`unlink ${path}`, errno, { cause });
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * A file descriptor for a pinned object. Close it with closeFd.
 * @throws DpctlError KERNEL_ENOENT when nothing is pinned there
 */
export function getPinned(path: string): number {
  return checkBpf(`bpf_obj_get ${path}`, libbpf().bpf_obj_get(cString(path)));
}

/** Run `fn` with a pinned object's descriptor and close it after. */
export function withPinned<T>(path: string, fn: (fd: number) => T): T {
  const fd = getPinned(path);
  try {
    return fn(fd);
  } finally {
    closeSync(fd);
  }
}
