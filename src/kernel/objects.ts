/** The datapath's BPF objects as files: where they are, what they hold and what they are told. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { hasFeature } from '../../loader/probe.js';
import { ADJUST_ROOM, FIB_SKIP_NEIGH } from '../../loader/probe-code.js';
import { clockTickHz } from '../../loader/sys.js';

declare const __dirname: string | undefined;

/**
 * The objects and the programs of each that are pinned, in this order: where the last one is, the
 * others are. The overlay's are loaded when they are first needed.
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

/** What an object is told of this kernel when it is loaded. */
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
 * The file of an object: beside the build, or where DPCTL_BPF_DIR says.
 * @throws DpctlError NOT_BUILT
 */
export function objectFile(name: ObjectName = 'endpoint'): string {
  const dir = objectDir();
  const file = join(dir, `${name}.bpf.o`);
  if (existsSync(file)) return file;
  throw new DpctlError('NOT_BUILT', `the BPF object ${file} is not there`, {
    exitCode: 70,
    hint: 'make build',
    details: { file },
  });
}

/** The nearest folder above with objects in it; bpf/ itself where there is none. */
function objectDir(): string {
  const given = process.env.DPCTL_BPF_DIR;
  if (given !== undefined && given !== '') return given;
  const start = typeof __dirname === 'string' ? __dirname : import.meta.dirname;
  for (let dir = start; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'bpf', 'endpoint.bpf.o'))) return join(dir, 'bpf');
    if (dir === dirname(dir)) return 'bpf';
  }
}

let hashed: { readonly of: string; readonly id: string } | undefined;

/** A short name of the objects' content: programs of different builds have different pins. */
export function buildId(): string {
  const dir = dirname(objectFile());
  // One that is missing is an error only where it is needed.
  const files = OBJECT_NAMES.map((name) => join(dir, `${name}.bpf.o`)).filter(existsSync);
  const of = files.map((file) => [file, statSync(file).mtimeMs, statSync(file).size]).join();
  if (hashed?.of === of) return hashed.id;
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  hashed = { of, id: hash.digest('hex').slice(0, 12) };
  return hashed.id;
}
