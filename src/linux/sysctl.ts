/**
 * Kernel parameters under /proc/sys, of any network namespace: files below /proc/sys/net show the namespace
 * of the process that opens them, so a short synchronous section inside is enough.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DpctlError, exceptFor, kernelError } from '../../loader/errors.js';
import { inNetns } from '../../loader/sys/netns.js';

/**
 * Path below /proc/sys of a key. Either separator works, as in sysctl(8): the first one in the key separates,
 * the other is a character of a name. So 'net/ipv4/conf/eth0.5/forwarding' and
 * 'net.ipv4.conf.eth0/5.forwarding' are the same; prefer slashes if the key contains a device's name. Throws
 * SYSCTL_BAD_KEY (exit 1) for a key that leaves /proc/sys or is empty.
 */
export function sysctlPath(key: string): string {
  const first = key.search(/[./]/);
  const path = key[first] === '.' ? key.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : key;
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new DpctlError('SYSCTL_BAD_KEY', `"${key}" is not a kernel parameter`, { exitCode: 1 });
  }
  return `/proc/sys/${path}`;
}

/**
 * The value of a parameter, without the final newline, in the namespace of `nsFd` (the caller's own when
 * undefined). Throws SYSCTL_NOT_FOUND (exit 2), KERNEL_* (exit 2).
 */
export function sysctlGet(nsFd: number | undefined, key: string): string {
  const path = sysctlPath(key);
  return inside(nsFd, () => read(path));
}

/**
 * Like sysctlGet, but undefined for a parameter that the kernel does not have, as when its device is gone.
 */
export function sysctlFind(nsFd: number | undefined, key: string): string | undefined {
  try {
    return sysctlGet(nsFd, key);
  } catch (error) {
    if (error instanceof DpctlError && error.code === 'SYSCTL_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Names in a directory of parameters: devices in net/ipv4/conf. Empty if there is none. */
export function sysctlNames(nsFd: number | undefined, dir: string): string[] {
  // The kernel may lack IPv6.
  return inside(nsFd, () => exceptFor(['ENOENT'], () => readdirSync(`/proc/sys/${dir}`), []));
}

/**
 * Set a parameter and return its former value, so that it can be restored. Writes nothing if the value is
 * already set. Throws SYSCTL_NOT_FOUND (exit 2), KERNEL_EINVAL for a value that the kernel refuses,
 * KERNEL_EROFS if /proc/sys is read-only (a container).
 */
export function sysctlSet(nsFd: number | undefined, key: string, value: string): string {
  const path = sysctlPath(key);
  return inside(nsFd, () => {
    const previous = read(path);
    if (previous !== value) attempt(path, 'write', () => writeFileSync(path, value));
    return previous;
  });
}

function inside<T>(nsFd: number | undefined, section: () => T): T {
  return nsFd === undefined ? section() : inNetns(nsFd, section);
}

function read(path: string): string {
  return attempt(path, 'read', () => readFileSync(path, 'utf8')).trimEnd();
}

function attempt<T>(path: string, action: 'read' | 'write', access: () => T): T {
  try {
    return access();
  } catch (cause) {
    const { errno, code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new DpctlError('SYSCTL_NOT_FOUND', `the kernel has no parameter ${path}`, {
        details: { path, errno: code },
        hint: 'the device it belongs to is gone, or the kernel is built without it',
        cause,
      });
    }
    if (errno === undefined) throw cause;
    throw kernelError(`${action} ${path}`, -errno, {
      cause,
      ...(code === 'EROFS'
        ? { hint: 'in a container: run it with --privileged, or set the parameter on the host' }
        : {}),
    });
  }
}
