/** Where a process stands: whether a name, a path or a pid means to another one what it means here. */
import { readlinkSync, statSync } from 'node:fs';

/** Namespaces in which names are looked up, or that say what a user id means. */
const NAMESPACES = ['mnt', 'net', 'pid', 'user'] as const;

/** This process's namespaces and root directory: two that give the same text see the same. */
export function standing(): string {
  const namespaces = NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  const { dev, ino } = statSync('/');
  return [...namespaces, `root:[${dev}:${ino}]`].join(' ');
}
