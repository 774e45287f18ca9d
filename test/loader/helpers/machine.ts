/** Objects, namespaces and bpffs mounts of one test, removed after it in any case. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DpctlError } from '../../../loader/errors.js';
import {
  type BpfObject,
  loadObject,
  type ObjectOptions,
  openObject,
} from '../../../loader/object/object.js';
import { closeFd, MNT_DETACH, mount, openFd, umount } from '../../../loader/sys/files.js';

let count = 0;

/** A name that no parallel run has; short enough for a device. */
export function uniqueName(prefix = 'dpl'): string {
  count += 1;
  return `${prefix}${process.pid}n${count}`;
}

/** The path of a test object, which `make bpf` compiles. */
export function objectPath(name: string): string {
  return fileURLToPath(new URL(`../bpf/${name}.bpf.o`, import.meta.url));
}

/** Load a test object, pass it to `use` and close it. */
export function withObject<T>(
  name: string,
  options: ObjectOptions,
  use: (object: BpfObject) => T,
): T {
  const object = openObject(objectPath(name), options);
  try {
    loadObject(object);
    return use(object);
  } finally {
    object.close();
  }
}

/** A program's descriptor. */
export function programFd(object: BpfObject, name: string): number {
  const program = object.programs.get(name);
  if (!program) throw new Error(`no program ${name}`);
  return program.fd;
}

/** A map of the object. */
export function mapOf(object: BpfObject, name: string) {
  const map = object.maps.get(name);
  if (!map) throw new Error(`no map ${name}`);
  return map;
}

/** Create an empty directory, pass its path to `use` and delete it. */
export function withDirectory<T>(use: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), `dpl${process.pid}-`));
  try {
    return use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Mount a private bpffs, pass its path to `use` and unmount it. */
export function withBpffs<T>(use: (dir: string) => T): T {
  return withDirectory((dir) => {
    mount('bpffs', dir, 'bpf', 0);
    try {
      return use(dir);
    } finally {
      umount(dir, MNT_DETACH);
    }
  });
}

/** A namespace with a veth pair v0 - v1, both up. */
export interface TestNetns {
  readonly name: string;
  readonly fd: number;
  /** ifindex of v0. */
  readonly ifindex: number;
}

/** Create a namespace, pass it to `use` and delete it. */
export function withNetns<T>(use: (ns: TestNetns) => T): T {
  const ns = makeNetns();
  try {
    return use(ns);
  } finally {
    dropNetns(ns);
  }
}

/** The same for an asynchronous test. */
export async function withNetnsAsync(use: (ns: TestNetns) => Promise<void>): Promise<void> {
  const ns = makeNetns();
  try {
    await use(ns);
  } finally {
    dropNetns(ns);
  }
}

function makeNetns(): TestNetns {
  const name = uniqueName();
  run('ip', 'netns', 'add', name);
  try {
    run('ip', '-n', name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    run('ip', '-n', name, 'link', 'set', 'v0', 'up');
    run('ip', '-n', name, 'link', 'set', 'v1', 'up');
    const [link] = JSON.parse(run('ip', '-n', name, '-j', 'link', 'show', 'v0'));
    return { name, fd: openFd(`/run/netns/${name}`), ifindex: link.ifindex };
  } catch (error) {
    run('ip', 'netns', 'del', name);
    throw error;
  }
}

function dropNetns(ns: TestNetns): void {
  closeFd(ns.fd);
  run('ip', 'netns', 'del', ns.name);
}

/** The output of a command that must succeed. */
export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
}

/** Run `action`, which must throw a DpctlError, and return the error. */
export function refusal(action: () => unknown): DpctlError {
  try {
    action();
  } catch (error) {
    if (error instanceof DpctlError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Descriptors of this process that refer to `kind`, as /proc names it: 'net:[', 'anon_inode:bpf'. */
export function descriptorsOf(kind: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(kind);
    } catch {
      // The directory's own descriptor is closed by now.
      return false;
    }
  }).length;
}

/** Run `action` while this process can open only so many more descriptors. */
export function withDescriptorsLeft<T>(left: number, action: () => T): T {
  const limit = (value: string): string =>
    run('prlimit', `--pid=${process.pid}`, `--nofile=${value}`);
  const soft = run('prlimit', `--pid=${process.pid}`, '--nofile', '--output=SOFT', '--noheadings');
  const open = new Set<number>();
  // Free numbers may be below the limit although the highest descriptor is above it: fill all of them.
  limit(`200:`);
  try {
    for (;;) open.add(openFd('/dev/null'));
  } catch {
    // No more are left.
  }
  for (const fd of [...open].slice(0, left)) {
    closeFd(fd);
    open.delete(fd);
  }
  try {
    return action();
  } finally {
    for (const fd of open) closeFd(fd);
    limit(`${soft.trim()}:`);
  }
}

/** A little-endian unsigned integer as bytes. */
export function le(value: number | bigint, size: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes.subarray(0, size);
}

/** An Ethernet frame of zeroes, `size` bytes long. */
export function frame(size = 64): Uint8Array {
  return new Uint8Array(size);
}
