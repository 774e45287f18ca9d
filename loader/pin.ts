import { readlinkSync, unlinkSync } from 'node:fs';
import { DpctlError, errnoOf, kernelError } from './errors.js';
import { checkBpf, libbpf } from './libbpf.js';
import { cString } from './libc.js';
import { closeFd, errnoFromNode, withFd } from './sys/files.js';

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

/** Kinds of pinnable objects, by the kernel's names for their descriptors (bpf_map_new_fd and so on). */
const KINDS = {
  map: /^anon_inode:bpf-map$/,
  program: /^anon_inode:bpf-prog$/,
  // One kernel function writes it one way, another the other.
  link: /^anon_inode:bpf[-_]link$/,
} as const;

/** A kind of object that can be pinned. */
export type PinKind = keyof typeof KINDS;

/**
 * A file descriptor for a pinned object. Close it with closeFd.
 * @param kind the expected kind of object: one of another kind has no such sizes to read
 * @throws DpctlError KERNEL_ENOENT when nothing is pinned there, PIN_KIND when something else is
 */
export function getPinned(path: string, kind: PinKind): number {
  const fd = checkBpf(`bpf_obj_get ${path}`, libbpf().bpf_obj_get(cString(path)));
  let found: string;
  try {
    found = readlinkSync(`/proc/self/fd/${fd}`);
  } catch (cause) {
    closeFd(fd);
    throw kernelError(`readlink /proc/self/fd/${fd}`, errnoFromNode(cause) ?? 5, { cause });
  }
  if (KINDS[kind].test(found)) return fd;
  closeFd(fd);
  const [name = found] = Object.entries(KINDS).find(([, text]) => text.test(found)) ?? [];
  throw new DpctlError('PIN_KIND', `${path} is a pinned ${name}; dpctl needs a ${kind} there`, {
    exitCode: 2,
    hint: 'another program put it there: remove that file and repeat the command',
    details: { path, found: name, wanted: kind },
  });
}

/** Run `fn` with a pinned object's descriptor and close it after. */
export function withPinned<T>(path: string, kind: PinKind, fn: (fd: number) => T): T {
  return withFd(getPinned(path, kind), fn);
}
