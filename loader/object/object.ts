import { readObjectBtf } from '../btf/query.js';
import { DpctlError } from '../errors.js';
import { NULL, type Pointer } from '../ffi/seam.js';
import { checkBpf, libbpf } from '../libbpf.js';
import { cString, lastErrno, libc } from '../libc.js';
import { mapFromFd } from '../map/info.js';
import { programFromFd } from '../program.js';
import { struct } from '../struct.js';
import { withoutSignals } from '../sys/signals.js';
import { encodeConstants } from './constants.js';
import { callError, loadError } from './load-error.js';
import { captureLog } from './log-capture.js';
import {
  type BpfObject,
  mapsOf,
  type ObjectOptions,
  type OpenedObject,
  programsOf,
  userMaps,
} from './opened.js';
import { pinAll, reusePinnedMaps } from './pinned-maps.js';

export type { BpfObject, ObjectOptions } from './opened.js';

const opened = new WeakMap<BpfObject, OpenedObject>();

/**
 * Open an object file and set it up; nothing reaches the kernel yet.
 * @throws DpctlError OBJECT_MISSING (exit 3), OBJECT_FORMAT, BTF_MISSING, KERNEL_* (exit 2),
 * CONSTANT_UNKNOWN, CONSTANT_VALUE, MAP_UNKNOWN, PROGRAM_UNKNOWN (exit 70)
 */
export function openObject(path: string, options: ObjectOptions = {}): BpfObject {
  const btf = readObjectBtf(path);
  const patches = encodeConstants(btf, path, options.constants ?? {});
  let closed = false;
  const object: OpenedObject = {
    path,
    handle: openHandle(path),
    btf,
    patches,
    options,
    maps: new Map(),
    programs: new Map(),
    close() {
      if (!closed) libbpf().bpf_object__close(object.handle);
      closed = true;
      opened.delete(object);
    },
  };
  try {
    setUp(object);
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
    const load = () => withoutSignals(() => libbpf().bpf_object__load(own.handle));
    const { result, log } = captureLog(load);
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

function openHandle(path: string): Pointer {
  const { result, log } = captureLog(() => {
    const handle = libbpf().bpf_object__open_file(cString(path), null);
    return { handle, errno: handle === NULL ? lastErrno() : 0 };
  });
  if (result.handle === NULL) throw callError(`bpf_object__open ${path}`, result.errno, log);
  return result.handle;
}

/** The settings that libbpf needs between opening and loading. */
function setUp(object: OpenedObject): void {
  applyPatches(object);
  applyMaxEntries(object);
  selectPrograms(object);
}

function applyPatches(object: OpenedObject): void {
  for (const { section, offset, bytes } of object.patches) {
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
