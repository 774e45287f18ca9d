/**
 * The datapath's BPF objects as files: where they are, what they contain, and the constants they are loaded
 * with.
 */

import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DpctlError, isShortage } from '../../loader/errors.js';
import { exec } from '../../loader/hint.js';
import { hasFeature } from '../../loader/probe.js';
import { ADJUST_ROOM, FIB_SKIP_NEIGH } from '../../loader/probe-code.js';
import { clockTickHz } from '../../loader/sys/machine.js';
import { isThere, statOf } from '../linux/path-status.js';

declare const __dirname: string | undefined;

/**
 * The objects and the pinned programs of each, in this order: if the last one is pinned, so are the others.
 * The overlay's are loaded on first use.
 */
export const OBJECTS = {
  endpoint: ['control', 'endpoint'],
  replicate: ['replicate'],
  underlay: ['underlay'],
  anchor: ['anchor'],
  decap: ['decap'],
} as const;
export type ObjectName = keyof typeof OBJECTS;
export type ProgramName = (typeof OBJECTS)[ObjectName][number];
const OBJECT_NAMES = Object.keys(OBJECTS) as readonly ObjectName[];

/**
 * Objects that read the kernel's own device structures, each with a twin for kernels that do not allow this.
 */
const TWINS: readonly ObjectName[] = ['endpoint', 'underlay', 'anchor'];

/** The constants that an object is loaded with on this kernel. */
export function constantsOf(name: ObjectName): Record<string, number | bigint> {
  const hz = clockTickHz();
  const fib_flags = hasFeature('fib_skip_neigh') ? FIB_SKIP_NEIGH : 0;
  switch (name) {
    case 'endpoint':
      return { hz, fib_flags };
    case 'replicate':
      return { fib_flags };
    case 'underlay':
      return { hz, decap_flags: BigInt(decapFlags()) };
    case 'anchor':
      return { hz };
    case 'decap':
      return {};
  }
}

function decapFlags(): number {
  return (
    (hasFeature('adjust_room_decap_l3') ? ADJUST_ROOM.decapL3 : 0) |
    (hasFeature('adjust_room_decap_l4_udp') ? ADJUST_ROOM.decapL4Udp : 0)
  );
}

/**
 * The file of an object: beside the build, or in DPCTL_BPF_DIR.
 * @throws DpctlError NOT_BUILT
 */
export function objectFile(name: ObjectName = 'endpoint'): string {
  const plain = TWINS.includes(name) && !hasFeature('kernel_types');
  const file = join(objectDir(), `${name}${plain ? '-plain' : ''}.bpf.o`);
  if (isThere(file)) return file;
  throw new DpctlError('NOT_BUILT', `the BPF object ${file} does not exist`, {
    exitCode: 70,
    hint: exec`make build`,
    details: { file },
  });
}

/** The nearest parent folder that has objects; bpf/ itself if there is none. */
function objectDir(): string {
  const given = process.env.DPCTL_BPF_DIR;
  if (given !== undefined && given !== '') return given;
  const start = typeof __dirname === 'string' ? __dirname : import.meta.dirname;
  for (let dir = start; ; dir = dirname(dir)) {
    if (isThere(join(dir, 'bpf', 'endpoint.bpf.o'))) return join(dir, 'bpf');
    if (dir === dirname(dir)) return 'bpf';
  }
}

/** The name of the objects' content, and the files it was computed from. */
interface BuildName {
  /** Changes with every change of the files: a file's status time cannot be set back. */
  readonly of: string;
  readonly id: string;
}

let known: BuildName | undefined;

/**
 * A short name of the objects' content: programs of different builds have different pins.
 * @param memory file in which an earlier process recorded the name ({@link rememberBuild}): reading and
 *   hashing all objects, and loading the hash module, takes several milliseconds
 */
export function buildId(memory: string): string {
  const dir = objectDir();
  // A missing object is an error only where it is needed.
  const names = [...OBJECT_NAMES, ...TWINS.map((name) => `${name}-plain`)];
  const files = names.map((name) => join(dir, `${name}.bpf.o`)).filter(isThere);
  const of = files.map(stampOf).join();
  if (known?.of === of) return known.id;
  const remembered = readMemory(memory);
  known = remembered?.of === of ? remembered : { of, id: hashOf(files) };
  return known.id;
}

function stampOf(file: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
  return [file, dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

function readMemory(memory: string): BuildName | undefined {
  // Reading a FIFO would block.
  if (statOf(memory)?.isFile() !== true) return undefined;
  try {
    const read: unknown = JSON.parse(readFileSync(memory, 'utf8'));
    if (typeof read !== 'object' || read === null || !('of' in read) || !('id' in read))
      return undefined;
    const { of, id } = read;
    return typeof of === 'string' && typeof id === 'string' ? { of, id } : undefined;
  } catch (error) {
    if (isShortage(error)) throw error;
    // A damaged file does not matter: it is only a cache.
    return undefined;
  }
}

/** Whether the name of a build can be read there, of this build or an earlier one. */
export function isBuildRemembered(memory: string): boolean {
  return readMemory(memory) !== undefined;
}

/** Record the name of this build for later processes. Call it under the node's lock. */
export function rememberBuild(memory: string): void {
  buildId(memory);
  if (known === undefined || readMemory(memory)?.of === known.of) return;
  try {
    // Do not write through whatever is in its place, above all a symbolic link.
    rmSync(memory, { recursive: true, force: true });
    writeFileSync(memory, JSON.stringify(known), { mode: 0o600, flag: 'wx' });
  } catch {
    // A full disk must not fail a finished change; a truncated file is rejected when it is read.
  }
}
