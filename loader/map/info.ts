import { basename } from 'node:path';
import { checkBpf, libbpf } from '../libbpf.js';
import { cString, fixedString } from '../libc.js';
import { objectInfo } from '../object-info.js';
import { getPinned } from '../pin.js';
import { options } from '../struct.js';
import { closeFd } from '../sys/files.js';
import { possibleCpus } from '../sys/machine.js';

/** An open map. Sizes are in bytes. */
export interface BpfMap {
  readonly fd: number;
  /** The name in the object file or of the pin; the kernel itself keeps only 15 characters. */
  readonly name: string;
  /** BPF_MAP_TYPE_, see {@link MAP_TYPE}. */
  readonly type: number;
  readonly keySize: number;
  /** Of one value; a per-CPU map has one for each possible CPU. */
  readonly valueSize: number;
  /** Of the buffer that carries a value: for per-CPU maps valueSize rounded up to 8, times CPUs. */
  readonly bufferSize: number;
  readonly maxEntries: number;
  /** BPF_F_ bits. */
  readonly flags: number;
  readonly perCpu: boolean;
  readonly id: number;
}

/** BPF_MAP_TYPE_ numbers (linux/bpf.h) that the project uses. */
export const MAP_TYPE = {
  hash: 1,
  array: 2,
  progArray: 3,
  perfEventArray: 4,
  percpuHash: 5,
  percpuArray: 6,
  lruHash: 9,
  lruPercpuHash: 10,
  lpmTrie: 11,
  hashOfMaps: 13,
  devmap: 14,
  percpuCgroupStorage: 21,
  queue: 22,
  devmapHash: 25,
  ringbuf: 27,
} as const;

const PER_CPU: ReadonlySet<number> = new Set([
  MAP_TYPE.percpuHash,
  MAP_TYPE.percpuArray,
  MAP_TYPE.lruPercpuHash,
  MAP_TYPE.percpuCgroupStorage,
]);

/** The parts of bpf_map_info that decide whether two maps fit each other, plus its BTF. */
export interface MapLayout {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly id: number;
  readonly kernelName: string;
  /** BTF object of the types below, 0 without BTF. */
  readonly btfId: number;
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
}

const BPF_MAP_INFO_SIZE = 88;

/** What the kernel says about a map. */
export function mapLayout(fd: number): MapLayout {
  const info = objectInfo(fd, BPF_MAP_INFO_SIZE);
  return {
    type: info.getU32(0),
    id: info.getU32(4),
    keySize: info.getU32(8),
    valueSize: info.getU32(12),
    maxEntries: info.getU32(16),
    flags: info.getU32(20),
    kernelName: fixedString(info.bytes.subarray(24, 40)),
    btfId: info.getU32(64),
    btfKeyTypeId: info.getU32(68),
    btfValueTypeId: info.getU32(72),
  };
}

/**
 * A map from its descriptor, which from now on belongs to the map.
 * @param name a longer name than the 15 characters the kernel has
 */
export function mapFromFd(fd: number, name?: string): BpfMap {
  const layout = mapLayout(fd);
  const perCpu = PER_CPU.has(layout.type);
  return {
    fd,
    name: name ?? layout.kernelName,
    type: layout.type,
    keySize: layout.keySize,
    valueSize: layout.valueSize,
    bufferSize: perCpu ? percpuStride(layout.valueSize) * possibleCpus() : layout.valueSize,
    maxEntries: layout.maxEntries,
    flags: layout.flags,
    perCpu,
    id: layout.id,
  };
}

/** Bytes from one CPU's value to the next in a per-CPU buffer: the value's size rounded up to 8. */
export function percpuStride(valueSize: number): number {
  return (valueSize + 7) & ~7;
}

/**
 * Open a pinned map. Close it with {@link closeMap}.
 * @throws DpctlError KERNEL_ENOENT when nothing is pinned there
 */
export function openPinnedMap(path: string): BpfMap {
  return owned(getPinned(path, 'map'), basename(path));
}

/** The map of a newly opened descriptor, which is closed if the map's info cannot be read. */
function owned(fd: number, name: string): BpfMap {
  try {
    return mapFromFd(fd, name);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** Close a map's descriptor. A map of a loaded object is closed by the object instead. */
export function closeMap(map: BpfMap): void {
  closeFd(map.fd);
}

/** Arguments of {@link mapCreate}. */
export interface MapSpec {
  readonly type: number;
  /** At most 15 characters of letters, digits, `_` and `.`. */
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  /** The inner map's descriptor, for a map of maps. */
  readonly innerFd?: number;
}

/** Make a map. Close it with {@link closeMap}; it goes with its last reference. */
export function mapCreate(spec: MapSpec): BpfMap {
  const opts = options(56)
    .u32(24, spec.innerFd ?? 0)
    .u32(28, spec.flags ?? 0);
  const fd = checkBpf(
    `bpf_map_create ${spec.name}`,
    libbpf().bpf_map_create(
      spec.type,
      cString(spec.name.slice(0, 15)),
      spec.keySize,
      spec.valueSize,
      spec.maxEntries,
      opts.bytes,
    ),
  );
  return owned(fd, spec.name);
}
