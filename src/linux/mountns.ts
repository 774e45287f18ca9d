/**
 * Paths and mounts of the host, whatever mount namespace this process is in.
 *
 * `ip netns exec` starts its command in a private mount namespace: mounts made there vanish with the command,
 * and later mounts of the host are not visible. Lasting state (pins, bound namespaces) therefore always goes
 * to the host's mount namespace, through the magic link /proc/PID/root of a process in it.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { exceptFor } from '../../loader/errors.js';
import { runCommand } from './command.js';

const INIT = 1;
/** Errors of a process that ended, is hidden, or has more rights than this one. */
const UNSEEN = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'] as const;

/** A process in the host's mount namespace, if this one is in another. */
interface Host {
  readonly pid: number;
}

/**
 * '' when this process is in the host's mount namespace, otherwise a path that stands for the host's root
 * directory, like /proc/1/root: put it before an absolute path to reach the host's mounts, including the pins
 * of a bpffs.
 *
 * The host's mount namespace is that of process 1. If that cannot be read (process 1 holds more capabilities
 * than this process, which then must not inspect it), it is that of the eldest ancestor that can be read;
 * without any, this process is assumed to be in the right one.
 */
export function hostRoot(): string {
  const host = findHost();
  return host === undefined ? '' : `/proc/${host.pid}/root`;
}

/** An absolute path of the host, as this process reaches it; unchanged in the host's mount namespace. */
export function hostPath(path: string): string {
  return hostRoot() + path;
}

/**
 * Run a program in the host's mount namespace (through nsenter only from another one) and return its standard
 * output. Throws as runCommand does.
 */
export function runOnHost(argv: readonly [string, ...string[]], code: string): Promise<string> {
  const host = findHost();
  if (host === undefined) return runCommand(argv, { code });
  return runCommand(['nsenter', '-t', String(host.pid), '-m', '--', ...argv], { code });
}

/** A process does not change its mount namespace, so this is determined once. */
let found: { readonly host: Host | undefined } | undefined;

function findHost(): Host | undefined {
  found ??= { host: searchHost() };
  return found.host;
}

function searchHost(): Host | undefined {
  const own = mountNamespace('self');
  const host = [INIT, ...ancestors().reverse()].find((pid) => mountNamespace(pid) !== undefined);
  if (host === undefined || mountNamespace(host) === own) return undefined;
  return { pid: host };
}

function mountNamespace(pid: number | 'self'): string | undefined {
  return exceptFor(
    UNSEEN,
    (): string | undefined => readlinkSync(`/proc/${pid}/ns/mnt`),
    undefined,
  );
}

/** Pids of parent, grandparent ... without process 1. */
function ancestors(): number[] {
  const pids: number[] = [];
  for (let pid = process.ppid; pid > INIT; pid = parentOf(pid)) pids.push(pid);
  return pids;
}

/** The parent in /proc/PID/stat, after the command's name, which may contain spaces and parentheses. */
function parentOf(pid: number): number {
  const stat = exceptFor(UNSEEN, () => readFileSync(`/proc/${pid}/stat`, 'utf8'), '');
  return stat === '' ? 0 : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
