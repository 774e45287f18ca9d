/**
 * What uses a UDP port of a network namespace: sockets of processes, and those that tunnel devices open
 * inside the kernel.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { exceptFor } from '../../../loader/errors.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { processIds } from '../../linux/process.js';
import { bytes16ToIp } from '../../model/address/ip.js';

/** A UDP socket that is bound to the port. */
export interface UdpHolder {
  /** Address that it is bound to; 0.0.0.0 and :: mean all. */
  readonly address: string;
  /** Number of the socket's file; 0 for one inside the kernel. */
  readonly inode: number;
}

/** The UDP sockets of a namespace that are bound to a port. Reads /proc/net/udp and udp6. */
export function udpHolders(nsFd: number, port: number): UdpHolder[] {
  const texts = inNetns(nsFd, () =>
    ['udp', 'udp6'].map((name) => readOrNothing(`/proc/thread-self/net/${name}`)),
  );
  return texts.flatMap((text) =>
    text
      .split('\n')
      .slice(1)
      .flatMap((line) => parseLine(line, port)),
  );
}

/** A line such as ` 12: 0100007F:12B5 00000000:0000 07 ... UID TIMEOUT INODE`. */
function parseLine(line: string, port: number): UdpHolder[] {
  const fields = line.trim().split(/\s+/);
  const [address = '', text = ''] = (fields[1] ?? '').split(':');
  if (Number.parseInt(text, 16) !== port) return [];
  return [{ address: addressOf(address), inode: Number(fields[9] ?? 0) }];
}

/** Words of 32 bits in the host's byte order, one for IPv4 and four for IPv6. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => [...Buffer.from(word, 'hex')].reverse());
  if (bytes.length === 4) return bytes.join('.');
  return bytes16ToIp(Uint8Array.from(bytes));
}

/** Errors for a process that ended meanwhile, or that may not be inspected. */
const UNSEEN = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'] as const;

/** The process that has a socket open: `dnsmasq (pid 812)`; undefined when it cannot be seen. */
export function socketOwner(inode: number): string | undefined {
  const target = `socket:[${inode}]`;
  for (const pid of processIds()) {
    if (!holds(pid, target)) continue;
    return `${readOrNothing(`/proc/${pid}/comm`).trim()} (pid ${pid})`;
  }
  return undefined;
}

function holds(pid: number, target: string): boolean {
  const look = (): boolean =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === target);
  return exceptFor(UNSEEN, look, false);
}

function linkOf(path: string): string {
  return exceptFor(UNSEEN, () => readlinkSync(path), '');
}

/** A kernel without IPv6 has no such file. */
function readOrNothing(path: string): string {
  return exceptFor(UNSEEN, () => readFileSync(path, 'utf8'), '');
}
