import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { type ObjectBtf, readObjectBtf } from './btf/query.js';
import { DpctlError, ERRNO, kernelError } from './errors.js';
import { NULL, type Pointer } from './ffi/seam.js';
import { checkBpf, libbpf } from './libbpf.js';
import { cString, lastErrno, libc, readCString } from './libc.js';
import { type BpfMap, mapFromFd } from './map/info.js';
import { captureLog } from './object/capture.js';
import { type Constant, encodeConstants } from './object/constants.js';
import { callError, loadError } from './object/failure.js';
import { layoutError, mapDifferences, type WantedMap } from './object/layout.js';
import { pin, unpin } from './pin.js';
import { type BpfProgram, programFromFd } from './program.js';
import { struct } from './struct.js';

/** How to open an object. */
export interface ObjectOptions {
  /** `const volatile` variables by name; typed by the object's BTF. */
  readonly constants?: Readonly<Record<string, Constant>>;
  /** max_entries by map name; 'pinned' (of one map or of all) takes what a pinned map has. */
  readonly maxEntries?: 'pinned' | Readonly<Record<string, number | 'pinned'>>;
  /** A directory in a bpffs: maps pinned there by their names are reused, others created there. */
  readonly pinDir?: string;
  /** Names of the programs to load; all when left out. */
  readonly only?: readonly string[];
  /** Where a rejected program's whole log is written; the temporary directory when left out. */
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

interface OpenedObject extends BpfObject {
  readonly handle: Pointer;
  readonly btf: ObjectBtf;
  readonly options: ObjectOptions;
  readonly maps: Map<string, BpfMap>;
  readonly programs: Map<string, BpfProgram>;
}

const opened = new WeakMap<BpfObject, OpenedObject>();

/**
 * Open an object file and set it up; nothing reaches the kernel yet.
 * @throws DpctlError OBJECT_MISSING (exit 3), OBJECT_FORMAT, BTF_MISSING, KERNEL_* (exit 2),
 * CONSTANT_UNKNOWN, CONSTANT_VALUE, MAP_UNKNOWN, PROGRAM_UNKNOWN (exit 70)
 */
export function openObject(path: string, options: ObjectOptions = {}): BpfObject {
  const btf = readObjectBtf(path);
  const patches = encodeConstants(btf, path, options.constants ?? {});
  const { result, log } = captureLog(() => {
    const handle = libbpf().bpf_object__open_file(cString(path), null);
    return { handle, errno: handle === NULL ? lastErrno() : 0 };
  });
  if (result.handle === NULL) throw callError(`bpf_object__open ${path}`, result.errno, log);

  let closed = false;
  const object: OpenedObject = {
    path,
    handle: result.handle,
    btf,
    options,
    maps: new Map(),
    programs: new Map(),
    close() {
      if (!closed) libbpf().bpf_object__close(result.handle);
      closed = true;
      opened.delete(object);
    },
  };
  try {
    applyPatches(object, patches);
    applyMaxEntries(object);
    selectPrograms(object);
  } catch (error) {
    object.close();
    throw error;
  }
  opened.set(object, object);
  return object;
}

/**
 * Create the object's maps, or reuse the pinned ones, and load its programs: all or nothing. After
 * a failure no new pin is left and the object is closed.
 * @throws DpctlError MAP_LAYOUT (a pinned map does not fit; every difference is listed and nothing
 * was created), VERIFIER, KERNEL_* (exit 2)
 */
export function loadObject(object: BpfObject): void {
  const own = opened.get(object);
  if (!own || own.programs.size > 0) {
    throw new TypeError(`${object.path} is ${own ? 'loaded already' : 'not open'}`);
  }
  try {
    const missing = reusePinnedMaps(own);
    const { result, log } = captureLog(() => libbpf().bpf_object__load(own.handle));
    if (result < 0) throw loadError(own.path, -result, log, own.options.logDir);
    for (const [name, map] of userMaps(own)) {
      own.maps.set(name, mapFromFd(libbpf().bpf_map__fd(map), name));
    }
    for (const [name, program] of programsOf(own)) {
      const fd = libbpf().bpf_program__fd(program);
      if (fd >= 0) own.programs.set(name, programFromFd(fd, name));
    }
    pinAll(own, missing);
  } catch (error) {
    own.close();
    throw error;
  }
}

function* mapsOf(object: OpenedObject): Generator<[string, Pointer]> {
  let map = libbpf().bpf_object__next_map(object.handle, null);
  for (; map !== NULL; map = libbpf().bpf_object__next_map(object.handle, map)) {
    yield [readCString(libbpf().bpf_map__name(map)), map];
  }
}

function* userMaps(object: OpenedObject): Generator<[string, Pointer]> {
  for (const [name, map] of mapsOf(object)) {
    if (!libbpf().bpf_map__is_internal(map)) yield [name, map];
  }
}

function* programsOf(object: OpenedObject): Generator<[string, Pointer]> {
  let program = libbpf().bpf_object__next_program(object.handle, null);
  for (; program !== NULL; program = libbpf().bpf_object__next_program(object.handle, program)) {
    yield [readCString(libbpf().bpf_program__name(program)), program];
  }
}

function applyPatches(object: OpenedObject, patches: ReturnType<typeof encodeConstants>): void {
  for (const { section, offset, bytes } of patches) {
    // libbpf names a section's map after the object and the section: `endpoint.rodata`.
    const found = [...mapsOf(object)].find(([name]) => name.endsWith(section));
    const start = found ? libbpf().bpf_map__initial_value(found[1], struct(8).bytes) : NULL;
    if (start === NULL) throw new TypeError(`${object.path}: libbpf has no map for ${section}`);
    libc.memcpy((start + BigInt(offset)) as Pointer, bytes, bytes.byteLength);
  }
}

function unknown(object: OpenedObject, what: 'map' | 'program', name: string, known: string[]) {
  return new DpctlError(
    what === 'map' ? 'MAP_UNKNOWN' : 'PROGRAM_UNKNOWN',
    `${object.path} has no ${what} ${name}; it has ${known.join(', ') || 'none'}`,
    { exitCode: 70, details: { path: object.path, [what]: name, known } },
  );
}

function applyMaxEntries(object: OpenedObject): void {
  const { maxEntries = {} } = object.options;
  if (maxEntries === 'pinned') return;
  const maps = new Map(userMaps(object));
  for (const [name, count] of Object.entries(maxEntries)) {
    const map = maps.get(name);
    if (!map) throw unknown(object, 'map', name, [...maps.keys()]);
    if (count === 'pinned') continue;
    const result = libbpf().bpf_map__set_max_entries(map, count);
    checkBpf(`bpf_map__set_max_entries ${name}`, result);
  }
}

function selectPrograms(object: OpenedObject): void {
  const { only } = object.options;
  if (!only) return;
  const programs = new Map(programsOf(object));
  for (const name of only) {
    if (!programs.has(name)) throw unknown(object, 'program', name, [...programs.keys()]);
  }
  for (const [name, program] of programs) {
    const load = only.includes(name) ? 1 : 0;
    const result = libbpf().bpf_program__set_autoload(program, load);
    checkBpf(`bpf_program__set_autoload ${name}`, result);
  }
}

function wantedMap(object: OpenedObject, name: string, map: Pointer): WantedMap {
  const { maxEntries } = object.options;
  return {
    name,
    type: libbpf().bpf_map__type(map),
    keySize: libbpf().bpf_map__key_size(map),
    valueSize: libbpf().bpf_map__value_size(map),
    maxEntries: libbpf().bpf_map__max_entries(map),
    flags: libbpf().bpf_map__map_flags(map),
    adoptMaxEntries: maxEntries === 'pinned' || maxEntries?.[name] === 'pinned',
  };
}

/**
 * Compare every pinned map first, then hand the very descriptors that were compared to libbpf.
 * @returns names of the maps that are not pinned yet
 */
function reusePinnedMaps(object: OpenedObject): string[] {
  const { pinDir } = object.options;
  const missing: string[] = [];
  const pinned: [string, Pointer, number][] = [];
  const differences = new Map<string, string[]>();
  try {
    for (const [name, map] of userMaps(object)) {
      // Pinning is ours: a path left in the map's definition would make libbpf do it too.
      checkBpf(`bpf_map__set_pin_path ${name}`, libbpf().bpf_map__set_pin_path(map, null));
      if (pinDir === undefined) continue;
      const path = join(pinDir, name);
      const fd = libbpf().bpf_obj_get(cString(path));
      if (-fd === ERRNO.ENOENT) {
        missing.push(name);
        continue;
      }
      if (fd < 0) throw kernelError(`bpf_obj_get ${path}`, -fd);
      pinned.push([name, map, fd]);
      const lines = mapDifferences(wantedMap(object, name, map), object.btf, fd);
      if (lines.length > 0) differences.set(name, lines);
    }
    if (pinDir !== undefined && differences.size > 0) throw layoutError(pinDir, differences);
    for (const [name, map, fd] of pinned) {
      checkBpf(`bpf_map__reuse_fd ${name}`, libbpf().bpf_map__reuse_fd(map, fd));
    }
  } finally {
    // libbpf keeps a duplicate.
    for (const [, , fd] of pinned) closeSync(fd);
  }
  return missing;
}

function pinAll(object: OpenedObject, names: readonly string[]): void {
  const { pinDir } = object.options;
  if (pinDir === undefined) return;
  const done: string[] = [];
  try {
    for (const name of names) {
      const map = object.maps.get(name);
      if (!map) continue;
      const path = join(pinDir, name);
      pin(map.fd, path);
      done.push(path);
    }
  } catch (error) {
    for (const path of done) unpin(path);
    throw error;
  }
}
