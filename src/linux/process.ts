/** The machine and this process: requirements to check before anything is changed. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { DpctlError, exceptFor } from '../../loader/errors.js';
import { advice } from '../../loader/hint.js';

/** Numbers of the capabilities needed (include/uapi/linux/capability.h). */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const;

/** Changes with every boot: state of an earlier boot describes links and pins that are gone. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Name of this machine, without its domain if the administrator set none. */
export function hostName(): string {
  return readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
}

/** Release of the running kernel, like 6.18.44-amd64. */
export function kernelRelease(): string {
  return release();
}

/**
 * Throws NOT_ROOT (exit 2) unless this process has the capabilities that dpctl needs: CAP_NET_ADMIN for links
 * and maps, CAP_SYS_ADMIN for entering namespaces and mounting (setns and mount require it, so CAP_BPF alone
 * would not help).
 */
export function requireRoot(): void {
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'utf8'));
  if (missing.length === 0) return;
  const root = process.geteuid?.() === 0;
  throw new DpctlError('NOT_ROOT', `not permitted: ${missing.join(' and ')} missing`, {
    hint: root
      ? 'root lacks these capabilities: in a container, run it with --privileged'
      : advice`sudo ${{ run: process.argv.slice(2) }}`,
    details: { missing },
  });
}

/** Names of the needed capabilities that are not effective, from the text of a /proc/PID/status. */
export function missingCapabilities(status: string): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.entries(CAPABILITIES)
    .filter(([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n)
    .map(([name]) => name);
}

/** Errors for a process that has just ended, or that may not be inspected. */
const UNSEEN = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'] as const;

/** Ids of all processes that this one can see. */
export function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Another process whose network namespace has this inode, if there is one: the first one found. */
export function processInNetns(inode: number): { pid: number; name: string } | undefined {
  for (const pid of processIds()) {
    if (pid === process.pid) continue;
    const name = exceptFor(
      UNSEEN,
      () => {
        if (readlinkSync(`/proc/${pid}/ns/net`) !== `net:[${inode}]`) return undefined;
        return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      },
      undefined,
    );
    if (name !== undefined) return { pid, name };
  }
  return undefined;
}
