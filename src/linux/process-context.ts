/** The context of a process: decides whether a name, a path or a pid means the same to another process. */
import { readlinkSync, statSync } from 'node:fs';

/** Namespaces in which names are looked up, or that give user ids their meaning. */
const NAMESPACES = ['mnt', 'net', 'pid', 'user'] as const;

/** This process's namespaces and root directory: processes with the same text see the same. */
export function processContext(): string {
  const namespaces = NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  const { dev, ino } = statSync('/');
  return [...namespaces, `root:[${dev}:${ino}]`].join(' ');
}
