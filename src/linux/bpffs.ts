/**
 * Mounts of our own: the BPF file system that holds the pins, and bind mounts that keep a namespace reachable
 * by path. All are in the host's mount namespace (mountns.ts).
 */

import { mkdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DpctlError, errnoOf, INTERRUPTED } from '../../loader/errors.js';
import { advice, exec, type Hint, REPEAT } from '../../loader/hint.js';
import {
  closeFd,
  isBpffs as fileIsBpffs,
  isNsfs as fileIsNsfs,
  MNT_DETACH,
  MS,
  mount,
  openFd,
  umount,
} from '../../loader/sys/files.js';
import { hostPath, hostRoot, runOnHost } from './mountns.js';
import { withNetnsPath } from './netns.js';
import { isThere, namesIn, statOf } from './path-status.js';

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;

/** Only root may read or add pins: a process that opens a pinned map can change what is forwarded. */
const BPFFS_MODE = 0o700;

/** Whether the host has a BPF file system at this absolute path. False when the path does not exist. */
export function isBpffs(dir: string): boolean {
  return !isLink(hostPath(dir)) && fileIsBpffs(hostPath(dir));
}

/** The target of a symbolic link is not dpctl's. */
function isLink(path: string): boolean {
  return statOf(path)?.isSymbolicLink() === true;
}

/** Whether the host has a namespace at this absolute path. False when the path does not exist. */
export function isNsfs(path: string): boolean {
  return !isLink(hostPath(path)) && fileIsNsfs(hostPath(path));
}

/**
 * Ensure that `dir` (absolute, as the host sees it) is a BPF file system: make the directory, and mount one
 * if it is not. Returns true if it mounted one. Throws BPFFS_UNAVAILABLE (exit 2) with the cause.
 */
export async function ensureBpffs(dir: string): Promise<boolean> {
  const real = hostPath(dir);
  try {
    if (isBpffs(dir)) return false;
    if (isLink(real)) throw new Error('it is a symbolic link');
    mkdirSync(real, { recursive: true, mode: BPFFS_MODE });
    await mountBpffs(dir);
  } catch (cause) {
    // Report a shortage (no room, no rights) as a failed mount: the remedy is known here.
    if (cause instanceof DpctlError && cause.code === INTERRUPTED) throw cause;
    throw unavailable(dir, cause);
  }
  if (!fileIsBpffs(real)) throw unavailable(dir, undefined);
  return true;
}

/**
 * Unmount whatever is at this absolute path of the host, at once, even while in use (users keep what they
 * have open), including mounts below. Returns false when nothing is mounted there. Throws KERNEL_* or
 * UNMOUNT_FAILED (exit 2).
 */
export async function unmount(dir: string): Promise<boolean> {
  if (!isMountPoint(dir)) return false;
  while (isMountPoint(dir)) await unmountTop(dir);
  return true;
}

async function unmountTop(dir: string): Promise<void> {
  if (hostRoot() === '') {
    umount(dir, MNT_DETACH);
    return;
  }
  const mounted = statSync(hostPath(dir));
  await runOnHost(['umount', '--lazy', dir], 'UNMOUNT_FAILED');
  // Our own mount namespace began as a copy of the host's. If mounts are private, it keeps its copy of this
  // one: the kernel would then refuse to remove the directory (EBUSY).
  const copy = statSync(dir, { throwIfNoEntry: false });
  if (copy?.dev === mounted.dev && copy.ino === mounted.ino) umount(dir, MNT_DETACH);
}

/**
 * Bind-mount a network namespace (an open one, or a path as this process sees it) at `target`, an absolute
 * path of the host that is created, so that it can be opened from anywhere and outlives its processes. Does
 * nothing when a namespace is already bound there: compare its inode if it may be another one. Returns true
 * if it bound one. Throws KERNEL_* or NETNS_BIND (exit 2).
 */
export async function bindNetns(source: number | string, target: string): Promise<boolean> {
  if (isNsfs(target)) return false;
  if (typeof source === 'string') await bindPath(source, target);
  else await withNetnsPath(source, (from) => bindPath(from, target));
  return true;
}

async function bindPath(from: string, target: string): Promise<void> {
  const real = hostPath(target);
  clearPlace(target, real);
  mkdirSync(dirname(real), { recursive: true });
  closeFd(openFd(real, 'a', 0o444));
  try {
    if (hostRoot() === '') mount(from, target, '', MS.bind);
    else await runOnHost(['mount', '--bind', from, target], 'NETNS_BIND');
  } catch (error) {
    rmSync(real, { force: true });
    throw error;
  }
}

/**
 * Remove a FIFO, a link or an empty directory in place of the file: the name is dpctl's own.
 * @throws DpctlError NETNS_BIND, exit 2, for a directory with content
 */
function clearPlace(target: string, real: string): void {
  const stat = statOf(real);
  if (stat === undefined || stat.isFile()) return;
  if (!stat.isDirectory()) rmSync(real, { force: true });
  else if (namesIn(real).length === 0) rmdirSync(real);
  else {
    throw new DpctlError('NETNS_BIND', `${target} is a directory; dpctl needs a namespace there`, {
      hint: advice`${exec`rm -r ${target}`}${REPEAT}`,
      details: { path: target },
    });
  }
}

/**
 * Undo bindNetns, including the file. Returns false when there is nothing at `target`. Throws as unmount
 * does.
 */
export async function unbindNetns(target: string): Promise<boolean> {
  if (!isThere(hostPath(target))) return false;
  while (isNsfs(target)) await unmount(target);
  rmSync(hostPath(target), { recursive: true, force: true });
  return true;
}

async function mountBpffs(dir: string): Promise<void> {
  const mode = BPFFS_MODE.toString(8);
  if (hostRoot() === '') {
    mount('bpf', dir, 'bpf', MS_NOSUID | MS_NODEV | MS_NOEXEC, `mode=0${mode}`);
    return;
  }
  const options = `nosuid,nodev,noexec,mode=0${mode}`;
  await runOnHost(['mount', '-t', 'bpf', '-o', options, 'bpf', dir], 'MOUNT_FAILED');
}

/** The device number changes at a mount point; for a bound file, the inode's file system does. */
function isMountPoint(path: string): boolean {
  const real = hostPath(path);
  if (!isThere(real)) return false;
  return statSync(real).dev !== statSync(dirname(real)).dev;
}

function unavailable(dir: string, cause: unknown): DpctlError {
  const why =
    cause instanceof Error ? cause.message : 'it was mounted, but something else is still there';
  return new DpctlError('BPFFS_UNAVAILABLE', `no BPF file system at ${dir}: ${why}`, {
    hint: advice`${inTheWay(dir)}${remedy(cause, dir)}`,
    details: { dir },
    cause,
  });
}

/** What is in place of the directory must go before anything can be mounted on it. */
function inTheWay(dir: string): Hint {
  const stat = statOf(hostPath(dir));
  return stat === undefined || stat.isDirectory() ? '' : advice`${exec`rm ${dir}`}${REPEAT}; or `;
}

function remedy(cause: unknown, dir: string): Hint {
  const errno = errnoOf(cause);
  if (errno === 'ENODEV') return 'this kernel is built without CONFIG_BPF_SYSCALL';
  if (errno === 'EPERM' || errno === 'EACCES') {
    return 'mounting needs CAP_SYS_ADMIN: run as root (sudo), in a container with --privileged';
  }
  return advice`run it by hand to see why: ${exec`mount -t bpf bpf ${dir}`}`;
}
