import { closeSync, fstatSync, fsyncSync, openSync, statfsSync } from 'node:fs';
import { ERRNO, kernelError } from '../errors.js';
import { check, cString, lastErrno, libc } from '../libc.js';

/** Superblock magic of a BPF file system (linux/magic.h). */
const BPFFS_MAGIC = 0xcafe4a11;
/** Superblock magic of nsfs, where namespaces live. */
const NSFS_MAGIC = 0x6e736673;

/** The positive errno inside an error thrown by node:fs, undefined for any other value. */
export function errnoFromNode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errno' in error)) return undefined;
  return typeof error.errno === 'number' ? -error.errno : undefined;
}

function asKernelError<T>(call: string, fn: () => T): T {
  try {
    return fn();
  } catch (cause) {
    const errno = errnoFromNode(cause);
    throw errno === undefined ? cause : kernelError(call, errno, { cause });
  }
}

/**
 * open(2), close-on-exec.
 * @param flags as node:fs takes them: 'r', 'r+', 'wx' or O_ numbers
 * @returns a descriptor; close it with closeFd
 */
export function openFd(path: string, flags: string | number = 'r', mode = 0o644): number {
  return asKernelError(`open ${path}`, () => openSync(path, flags, mode));
}

/**
 * close(2). The descriptor is free whatever else the kernel says of it (close(2), notes), so the one
 * error is EBADF: it was closed already, which is a bug.
 */
export function closeFd(fd: number): void {
  try {
    closeSync(fd);
  } catch (cause) {
    if (errnoFromNode(cause) === ERRNO.EBADF) throw kernelError('close', 9, { cause });
  }
}

/**
 * Run a section with a descriptor that was just opened, and close it whatever becomes of the section;
 * one that returns a promise has it until that is settled. Between an open and its close nothing else
 * can throw, so none is left open.
 */
export function withFd<T>(fd: number, section: (fd: number) => T): T {
  return closingAfter(
    () => section(fd),
    () => closeFd(fd),
  );
}

/** Run a section, or await it, and then `close`, which must not throw for what the section did. */
export function closingAfter<T>(section: () => T, close: () => void): T {
  let result: T;
  try {
    result = section();
  } catch (error) {
    close();
    throw error;
  }
  if (result instanceof Promise) return result.finally(close) as T;
  close();
  return result;
}

/** The inode number of an open file. */
export function fstatIno(fd: number): bigint {
  return asKernelError('fstat', () => fstatSync(fd, { bigint: true }).ino);
}

/** fsync a directory, so that a rename or a new name in it survives a power cut. */
export function fsyncDir(path: string): void {
  withFd(openFd(path, 'r'), (fd) => asKernelError(`fsync ${path}`, () => fsyncSync(fd)));
}

const FLOCK = { shared: 1, exclusive: 2, unlock: 8 } as const;
const LOCK_NB = 4;

/**
 * flock(2). The kernel frees the lock when the last descriptor of the open file closes, a crash
 * included. Without `nonblock` the whole process waits: poll with a time-out instead.
 * @returns false when another process holds it and `nonblock` is set
 */
export function flock(
  fd: number,
  operation: 'exclusive' | 'shared' | 'unlock',
  nonblock = true,
): boolean {
  if (libc.flock(fd, FLOCK[operation] | (nonblock ? LOCK_NB : 0)) === 0) return true;
  const errno = lastErrno();
  if (errno === ERRNO.EWOULDBLOCK) return false;
  throw kernelError(`flock ${operation}`, errno);
}

/**
 * mount(2).
 * @param fstype '' where the kernel takes none (bind, remount, propagation)
 * @param flags MS_ bits, see {@link MS}
 */
export function mount(
  source: string,
  target: string,
  fstype: string,
  flags: number,
  data = '',
): void {
  check(
    `mount ${fstype || source} ${target}`,
    libc.mount(
      cString(source),
      cString(target),
      fstype ? cString(fstype) : null,
      flags,
      data ? cString(data) : null,
    ),
  );
}

/** mount(2) flags used here (linux/mount.h). */
export const MS = { bind: 4096, rec: 16384, private: 1 << 18, shared: 1 << 20 } as const;
/** umount2(2) flags: detach now and clean up when no longer busy. */
export const MNT_DETACH = 2;

/** umount2(2). */
export function umount(target: string, flags = 0): void {
  check(`umount ${target}`, libc.umount2(cString(target), flags));
}

/** The superblock magic of the file system that holds `path` (statfs f_type). */
export function statfsType(path: string): number {
  return asKernelError(`statfs ${path}`, () => statfsSync(path).type);
}

/** Whether `path` is on a BPF file system; false when it does not exist. */
export function isBpffs(path: string): boolean {
  return isOn(path, BPFFS_MAGIC);
}

/** Whether `path` is a namespace file (bind mount or /proc/PID/ns/X); false when it does not exist. */
export function isNsfs(path: string): boolean {
  return isOn(path, NSFS_MAGIC);
}

function isOn(path: string, magic: number): boolean {
  try {
    return statfsSync(path).type === magic;
  } catch (error) {
    if (errnoFromNode(error) === ERRNO.ENOENT) return false;
    return asKernelError(`statfs ${path}`, () => {
      throw error;
    });
  }
}
