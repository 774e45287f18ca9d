/**
 * Paths and mounts of the host, whatever mount namespace this process is in.
 *
 * `ip netns exec` starts its command in a private mount namespace: what is mounted there is gone with
 * the command, and what the host mounts later is not seen there. State that lasts (pins, bound
 * namespaces) therefore always goes to the host's mount namespace, through the magic link
 * /proc/PID/root of a process that lives in it.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { exceptFor } from '../../loader/errors.js';
import { runCommand } from './command.js';

const INIT = 1;
/** Errors of a process that ended, is hidden, or has more rights than this one. */
const UNSEEN = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'] as const;

/** A process that lives in the host's mount namespace while this one does not. */
interface Host {
  readonly pid: number;
}

/**
 * '' when this process is in the host's mount namespace, else a path that stands for the host's root
 * directory, like /proc/1/root: put it before an absolute path to reach the host's mounts, pins of a
 * bpffs included.
 *
 * The host's mount namespace is that of process 1. Where that cannot be read (process 1 holds more
 * capabilities than we do: then it must not be inspected), it is that of our eldest ancestor that can
 * be; with none of these we are taken to be in the right one.
 */
export function hostRoot(): string {
  const host = findHost();
  return host === undefined ? '' : `/proc/${host.pid}/root`;
}

/** An absolute path as seen from the host's root directory; unchanged when we are there. */
export function hostPath(path: string): string {
  return hostRoot() + path;
}

/**
 * Runs a program in the host's mount namespace (by nsenter only when we are in another one) and
 * returns its standard output. Throws as runCommand does.
 */
export function runOnHost(argv: readonly [string, ...string[]], code: string): Promise<string> {
  const host = findHost();
  if (host === undefined) return runCommand(argv, { code });
  return runCommand(['nsenter', '-t', String(host.pid), '-m', '--', ...argv], { code });
}

/** A process does not change its mount namespace, so it looks once. */
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

/** The parent in /proc/PID/stat, behind the command's name, which may hold spaces and parentheses. */
function parentOf(pid: number): number {
  const stat = exceptFor(UNSEEN, () => readFileSync(`/proc/${pid}/stat`, 'utf8'), '');
  return stat === '' ? 0 : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
