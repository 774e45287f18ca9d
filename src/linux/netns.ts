/** Network namespaces by the references that users give: a name of `ip netns`, a path, a pid. */

import { fstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DpctlError, errnoOf, exceptFor } from '../../loader/errors.js';
import { advice, exec, run } from '../../loader/hint.js';
import { closeFd, closingAfter, isNsfs, openFd, withFd } from '../../loader/sys/files.js';
import { netnsCookie } from '../../loader/sys/netns.js';
import { hostPath, runOnHost } from './mountns.js';
import { closestWord } from './suggest.js';

/** Where `ip netns` keeps its namespaces (/var/run is a link to /run on every current system). */
export const NETNS_DIR = '/run/netns';

/** Maximum length of a file name in the file systems in question (NAME_MAX). */
const NAME_MAX = 255;

/** Errors that mean that there is no such file, not that the lookup failed. */
const NOT_THERE = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'] as const;

function exists(path: string): boolean {
  return (
    exceptFor(NOT_THERE, () => statSync(path, { throwIfNoEntry: false }), undefined) !== undefined
  );
}

/** An open network namespace and its identity. */
export interface NetnsRef {
  /** Open file of the namespace; the holder closes it with closeNetns. */
  readonly fd: number;
  readonly kind: 'name' | 'path' | 'pid';
  /**
   * The path that opened it, as seen from the host's root: /run/netns/NAME, /proc/PID/ns/net, or the real
   * path.
   */
  readonly path: string;
  /** The kernel's number for this namespace, never reused while the system is up. */
  readonly cookie: bigint;
  /** Inode and device of the namespace file: equal for two references to the same one. */
  readonly ino: bigint;
  readonly dev: bigint;
}

/**
 * Open the namespace that `ref` means: a path if it has a slash, else a name in /run/netns, else (all digits,
 * and no such name) a process. Throws NETNS_BAD_NAME (exit 1), NETNS_NOT_FOUND (exit 3, with the nearest
 * name), NETNS_NOT_A_NETNS (exit 1), KERNEL_EACCES and the like (exit 2).
 */
export function openNetnsRef(ref: string): NetnsRef {
  const { kind, path, real } = locate(ref);
  if (!exists(real)) {
    // "a/b" may be a path or a mistyped name; if there is no such file, it is a name.
    if (kind === 'path' && !/^[./]/.test(ref)) assertName(ref);
    throw notFound(ref, kind);
  }
  if (!isNsfs(real)) throw notANetns(ref, path);
  const fd = openFd(real);
  try {
    const { ino, dev } = fstatSync(fd, { bigint: true });
    const found = kind === 'path' ? realPath(path, { ino, dev }) : path;
    return { fd, kind, path: found, cookie: cookieOf(fd, ref, path), ino, dev };
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/**
 * A path that leads to a namespace from any directory. A magic link of /proc resolves to no path, or to one
 * of another mount namespace: then the path stays as it is.
 */
function realPath(path: string, file: Pick<NetnsRef, 'ino' | 'dev'>): string {
  const real = exceptFor(NOT_THERE, (): string | undefined => realpathSync(path), undefined);
  const found = real && statSync(real, { bigint: true, throwIfNoEntry: false });
  if (real !== undefined && found && sameNetns(found, file)) return real;
  return join(realpathSync(dirname(path)), basename(path));
}

/** Open the namespace that this process is in. Throws KERNEL_* (exit 2). */
export function openOwnNetns(): NetnsRef {
  return openNetnsRef(`/proc/${process.pid}/ns/net`);
}

/** Whether a namespace was named by a process id, which another process may have later. */
export function isByProcess({ kind, path }: Pick<NetnsRef, 'kind' | 'path'>): boolean {
  return kind === 'pid' || path.startsWith('/proc/');
}

/** Close what openNetnsRef opened. */
export function closeNetns(ref: NetnsRef): void {
  closeFd(ref.fd);
}

/**
 * Run a section with the namespace that `ref` means open, and close it after the section, or after the
 * promise that it returns. Throws as openNetnsRef and the section do.
 */
export function withNetnsRef<T>(ref: string, section: (ns: NetnsRef) => T): T {
  const ns = openNetnsRef(ref);
  return closingAfter(
    () => section(ns),
    () => closeNetns(ns),
  );
}

/** Whether the two are the same namespace, however they were referred to. */
export function sameNetns(
  a: Pick<NetnsRef, 'ino' | 'dev'>,
  b: Pick<NetnsRef, 'ino' | 'dev'>,
): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/**
 * Run a section with a path by which a program can open the namespace of `fd`. The path is that of a separate
 * descriptor, open until the promise is settled: `fd` itself may be closed meanwhile, and its number reused.
 * Throws KERNEL_* (exit 2) and what the section throws.
 */
export function withNetnsPath<T>(fd: number, section: (path: string) => Promise<T>): Promise<T> {
  return withFd(openFd(`/proc/self/fd/${fd}`), (own) => section(`/proc/${process.pid}/fd/${own}`));
}

/** Names in /run/netns, sorted; empty when there is no such directory. */
export function netnsList(): string[] {
  return exceptFor(['ENOENT'], () => readdirSync(hostPath(NETNS_DIR)).sort(), []);
}

/** Whether `ip netns` knows a namespace of this name. */
export function netnsExists(name: string): boolean {
  return isName(name) && exists(`${hostPath(NETNS_DIR)}/${name}`);
}

/**
 * Make a namespace as `ip netns add` does, in the host's /run/netns even when called from within `ip netns
 * exec`. Throws NETNS_BAD_NAME (exit 1), NETNS_EXISTS (exit 1), NETNS_CREATE (exit 2).
 */
export async function createNetns(name: string): Promise<void> {
  assertName(name);
  if (netnsExists(name)) {
    throw new DpctlError('NETNS_EXISTS', `network namespace "${name}" already exists`, {
      exitCode: 1,
      details: { ns: name },
    });
  }
  await runOnHost(['ip', 'netns', 'add', name], 'NETNS_CREATE');
}

/**
 * Delete a namespace's name as `ip netns del` does (the namespace itself ends with its last process and open
 * file). Returns false when there is no such name. Throws NETNS_BAD_NAME (exit 1), NETNS_DELETE (exit 2).
 */
export async function deleteNetns(name: string): Promise<boolean> {
  assertName(name);
  if (!netnsExists(name)) return false;
  await runOnHost(['ip', 'netns', 'del', name], 'NETNS_DELETE');
  return true;
}

interface Location {
  readonly kind: NetnsRef['kind'];
  readonly path: string;
  /** The path of the same file for this process. */
  readonly real: string;
}

function locate(ref: string): Location {
  if (ref.includes('/')) return { kind: 'path', path: ref, real: ref };
  assertName(ref);
  const path = `${NETNS_DIR}/${ref}`;
  if (/^[1-9]\d*$/.test(ref) && !netnsExists(ref)) {
    const ofProcess = `/proc/${ref}/ns/net`;
    return { kind: 'pid', path: ofProcess, real: ofProcess };
  }
  return { kind: 'name', path, real: hostPath(path) };
}

/** Whether the text can be a name in /run/netns. */
export function isName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    !/[/\0]/.test(name) &&
    Buffer.byteLength(name) <= NAME_MAX
  );
}

/** @throws DpctlError NETNS_BAD_NAME, exit 1, for names that `ip netns` refuses */
export function assertName(name: string): void {
  if (isName(name)) return;
  const why =
    name === ''
      ? 'it is empty'
      : name.includes('/')
        ? 'it contains a slash'
        : name.includes('\0')
          ? 'it contains a NUL byte'
          : name.startsWith('.')
            ? 'it means a directory'
            : `it has more than ${NAME_MAX} bytes`;
  throw new DpctlError('NETNS_BAD_NAME', `"${shown(name)}" cannot name a namespace: ${why}`, {
    exitCode: 1,
    details: { ns: name },
    hint: advice`give a name from \`${exec`ip netns list`}\`, a path such as /proc/PID/ns/net, or a pid`,
  });
}

/** Names come from the command line: shorten them to one line. */
function shown(name: string): string {
  const line = JSON.stringify(name).slice(1, -1);
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function notFound(ref: string, kind: NetnsRef['kind']): DpctlError {
  const close = kind === 'name' ? closestWord(ref, netnsList()) : undefined;
  const add = advice`${exec`ip netns add ${ref}`}, or ${run`attach ${ref} --create`}`;
  const message = {
    name: `there is no network namespace "${shown(ref)}"`,
    path: `there is no network namespace at ${shown(ref)}`,
    pid: `there is neither a network namespace nor a process "${ref}"`,
  }[kind];
  const hint = { name: add, path: 'give the path of a namespace file that exists', pid: add }[kind];
  return new DpctlError('NETNS_NOT_FOUND', message, {
    exitCode: 3,
    details: { ns: ref },
    hint: close === undefined ? hint : advice`did you mean "${close}"? Or: ${hint}`,
  });
}

function notANetns(ref: string, path: string): DpctlError {
  const leftover = path.startsWith(`${NETNS_DIR}/`) && statSync(hostPath(path)).size === 0;
  return new DpctlError('NETNS_NOT_A_NETNS', `${path} exists but is not a network namespace`, {
    exitCode: 1,
    details: { ns: ref },
    hint: leftover
      ? advice`the file is what an interrupted \`ip netns add\` or a reboot leaves behind: ${exec`rm ${path}`}`
      : advice`give a name from \`${exec`ip netns list`}\`, a path such as /proc/PID/ns/net, or a pid`,
  });
}

/** A file of nsfs may be a namespace of another type (/proc/PID/ns/mnt); setns then fails with EINVAL. */
function cookieOf(fd: number, ref: string, path: string): bigint {
  try {
    return netnsCookie(fd);
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') throw notANetns(ref, path);
    throw error;
  }
}
