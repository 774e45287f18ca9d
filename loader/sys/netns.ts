import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DpctlError, ERRNO, errnoOf, kernelError } from '../errors.js';
import { check, lastErrno, libc } from '../libc.js';
import { closeFd, fstatIno, MNT_DETACH, openFd, umount, withFd } from './files.js';
import { socketFd } from './socket.js';

/** setns(2) type of a network namespace. */
const CLONE_NEWNET = 0x40000000;

/**
 * setns(2) for this thread. Prefer {@link inNetns}, which comes back.
 * @param nstype CLONE_NEWNET, or 0 for whatever the descriptor is
 */
export function setns(fd: number, nstype: number): void {
  check('setns', libc.setns(fd, nstype));
}

/**
 * Run a short synchronous section inside another network namespace. Sockets opened inside keep
 * that namespace. Nothing inside may start threads, await, or call async fs functions: threads of
 * libuv's pool first started inside would stay there.
 * @param nsFd a descriptor of the namespace
 * @throws TypeError if `fn` returns a promise; whatever `fn` throws
 */
export function inNetns<T>(nsFd: number, fn: () => T): T {
  return withFd(openFd('/proc/thread-self/ns/net'), (home) => {
    setns(nsFd, CLONE_NEWNET);
    try {
      const result = fn();
      if (isThenable(result)) {
        throw new TypeError('inNetns: the section must be synchronous, it returned a promise');
      }
      return result;
    } finally {
      comeHome(home);
    }
  });
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** Attempts to return to the first namespace: setns(2) needs memory, which may be short for a moment. */
const HOMEWARD_TRIES = 100;

function comeHome(home: number): void {
  for (let left = HOMEWARD_TRIES; left > 0; left--) {
    if (libc.setns(home, CLONE_NEWNET) === 0) return;
  }
  try {
    setns(home, CLONE_NEWNET);
  } catch (error) {
    // Any further work would change another network: stop at once, without running exit handlers.
    const why = error instanceof Error ? error.message : String(error);
    writeSync(2, `dpctl: cannot return to its own network namespace (${why}); stopping\n`);
    process.abort();
  }
}

const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;

/**
 * A number that identifies a network namespace until the machine reboots: the kernel's cookie (never
 * reused), or the inode number before Linux 5.14 (may be reused).
 */
export function netnsCookie(nsFd: number): bigint {
  const value = new Uint8Array(8);
  const length = new Uint8Array(new Uint32Array([8]).buffer);
  const supported = inNetns(nsFd, () => {
    return withFd(socketFd(AF_UNIX, SOCK_DGRAM, 0), (socket) => {
      if (libc.getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, value, length) === 0) return true;
      const errno = lastErrno();
      if (errno === ERRNO.ENOPROTOOPT) return false;
      throw kernelError('getsockopt SO_NETNS_COOKIE', errno);
    });
  });
  return supported ? new DataView(value.buffer).getBigUint64(0, true) : fstatIno(nsFd);
}

/**
 * Make a network namespace that only a descriptor keeps alive: it ends when the descriptor is closed, or
 * with this process. Its loopback is down.
 * @returns the descriptor
 */
export function newNetns(): number {
  return withFd(openFd('/proc/thread-self/ns/net'), (home) => {
    check('unshare', libc.unshare(CLONE_NEWNET));
    try {
      return openFd('/proc/thread-self/ns/net');
    } finally {
      comeHome(home);
    }
  });
}

/**
 * Make a network namespace and bind-mount it at `path`, in a child process: a thread of this one
 * must never be in the new namespace while it is set up. Its loopback is down.
 * @throws DpctlError NETNS_CREATE (exit 2), or KERNEL_EEXIST when the path exists
 */
export function createNetns(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  closeFd(openFd(path, 'wx', 0o444));
  const child = spawnSync('unshare', [`--net=${path}`, 'true'], { encoding: 'utf8' });
  if (child.status === 0) return;
  rmSync(path, { force: true });
  const why = child.error?.message ?? child.stderr.trim();
  throw new DpctlError('NETNS_CREATE', `cannot create the network namespace ${path}: ${why}`, {
    cause: child.error,
    details: { path },
    hint: 'this needs root, and util-linux installed',
  });
}

/** Undo {@link createNetns}. The namespace ends when nothing else holds it. A missing one is no error. */
export function removeNetns(path: string): void {
  try {
    umount(path, MNT_DETACH);
  } catch (error) {
    // ENOENT: it does not exist; EINVAL: nothing is mounted on the file.
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'EINVAL') throw error;
  }
  rmSync(path, { force: true });
}
