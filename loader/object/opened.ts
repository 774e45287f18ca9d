/** An object as libbpf holds it, for the modules that set it up, load it and pin its maps. */
import type { ObjectBtf } from '../btf/query.js';
import { NULL, type Pointer } from '../ffi/seam.js';
import { libbpf } from '../libbpf.js';
import { readCString } from '../libc.js';
import type { BpfMap } from '../map/info.js';
import type { BpfProgram } from '../program.js';
import type { Constant, encodeConstants } from './constants.js';

/** How to open an object. */
export interface ObjectOptions {
  /** `const volatile` variables by name; typed by the object's BTF. */
  readonly constants?: Readonly<Record<string, Constant>>;
  /** max_entries by map name; 'pinned' (of one map or of all) takes what a pinned map has. */
  readonly maxEntries?: 'pinned' | Readonly<Record<string, number | 'pinned'>>;
  /** A directory in a bpffs: maps pinned there by their names are reused, others created there. */
  readonly pinDir?: string;
  /** Names of the programs to load; all if not set. */
  readonly only?: readonly string[];
  /** Where a rejected program's whole log is written; the temporary directory if not set. */
  readonly logDir?: string;
}

/** An opened object. Its maps and programs are there once {@link loadObject} has returned. */
export interface BpfObject {
  readonly path: string;
  /** Maps by name, without the compiler's own (.rodata, .bss, ...). */
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly programs: ReadonlyMap<string, BpfProgram>;
  /** Close all its descriptors; what is pinned or attached lives on. May be called twice. */
  close(): void;
}

/** An object between its opening and its closing. */
export interface OpenedObject extends BpfObject {
  readonly handle: Pointer;
  readonly btf: ObjectBtf;
  readonly patches: ReturnType<typeof encodeConstants>;
  readonly options: ObjectOptions;
  readonly maps: Map<string, BpfMap>;
  readonly programs: Map<string, BpfProgram>;
}

/** All maps by name, with those that the compiler made of sections. */
export function* mapsOf(object: OpenedObject): Generator<[string, Pointer]> {
  let map = libbpf().bpf_object__next_map(object.handle, null);
  for (; map !== NULL; map = libbpf().bpf_object__next_map(object.handle, map)) {
    yield [readCString(libbpf().bpf_map__name(map)), map];
  }
}

/** The maps that the source declares. */
export function* userMaps(object: OpenedObject): Generator<[string, Pointer]> {
  for (const [name, map] of mapsOf(object)) {
    if (!libbpf().bpf_map__is_internal(map)) yield [name, map];
  }
}

/** All programs by name. */
export function* programsOf(object: OpenedObject): Generator<[string, Pointer]> {
  let program = libbpf().bpf_object__next_program(object.handle, null);
  for (; program !== NULL; program = libbpf().bpf_object__next_program(object.handle, program)) {
    yield [readCString(libbpf().bpf_program__name(program)), program];
  }
}
