import { ERRNO, kernelError } from '../errors.js';
import { libbpf } from '../libbpf.js';
import { struct } from '../struct.js';
import { checkSize, mapDelete, mapGet, mapKeys, UPDATE_FLAG, type UpdateFlag } from './entry.js';
import type { BpfMap } from './info.js';

/** Entries of a map in two flat buffers, entry i at i * keySize and i * bufferSize. */
export interface MapEntries {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** Entries asked for at a time: enough that the call costs nothing, a few MB at most. */
const CHUNK = 32768;

/** How often a cursor lost to concurrent deletion is sought again. */
const LOST_CURSOR_RETRIES = 100;

/**
 * Errors that mean "this kernel or map type has no batch operation": ENOTSUPP and EOPNOTSUPP by
 * type, EINVAL before Linux 5.6.
 */
function noBatch(errno: number): boolean {
  return errno === ERRNO.ENOTSUPP || errno === ERRNO.EOPNOTSUPP || errno === ERRNO.EINVAL;
}

/**
 * A map's entries a chunk at a time, in batches where the map has them. Entries that come or go
 * meanwhile may or may not be seen; the others are seen once.
 * @param size entries asked for at a time
 */
export function* mapChunks(map: BpfMap, size = CHUNK): Generator<MapEntries> {
  // The cursor is a bucket number for hashes and a key for the rest.
  const cursor = new Uint8Array(Math.max(8, map.keySize));
  const count = struct(4);
  let want = Math.min(size, Math.max(1, map.maxEntries));
  let lost = 0;
  for (let first = true; ; ) {
    const keys = new Uint8Array(want * map.keySize);
    const values = new Uint8Array(want * map.bufferSize);
    count.u32(0, want);
    const errno = -libbpf().bpf_map_lookup_batch(
      map.fd,
      first ? null : cursor,
      cursor,
      keys,
      values,
      count.bytes,
      null,
    );
    if (errno === ERRNO.ENOSPC) {
      // One hash bucket holds more entries than the buffer; nothing was read.
      want *= 2;
      continue;
    }
    if (first && errno !== 0 && noBatch(errno)) {
      yield* singleChunks(map);
      return;
    }
    // generic_map_lookup_batch gives up on keys that vanish under it; what it read so far counts.
    const interrupted = errno === ERRNO.EINTR;
    const got = count.getU32(0);
    if (interrupted && got === 0 && lost++ < LOST_CURSOR_RETRIES) continue;
    if (errno !== 0 && errno !== ERRNO.ENOENT && !(interrupted && got > 0)) {
      throw kernelError(`bpf_map_lookup_batch ${map.name}`, errno);
    }
    first = false;
    if (got > 0) yield trim(map, { count: got, keys, values });
    if (errno === ERRNO.ENOENT) return;
  }
}

function* singleChunks(map: BpfMap): Generator<MapEntries> {
  for (const key of mapKeys(map)) {
    const value = mapGet(map, key);
    if (value) yield { count: 1, keys: key, values: value };
  }
}

function trim(map: BpfMap, entries: MapEntries): MapEntries {
  return {
    count: entries.count,
    keys: entries.keys.subarray(0, entries.count * map.keySize),
    values: entries.values.subarray(0, entries.count * map.bufferSize),
  };
}

/** Every entry as `[key, value]`, as copies that the caller may change. */
export function* mapEntries(map: BpfMap): Generator<[Uint8Array, Uint8Array]> {
  for (const { count, keys, values } of mapChunks(map)) {
    for (let i = 0; i < count; i++) {
      yield [
        keys.subarray(i * map.keySize, (i + 1) * map.keySize),
        values.subarray(i * map.bufferSize, (i + 1) * map.bufferSize),
      ];
    }
  }
}

/** The whole map in two flat buffers; a million entries in about half a second. */
export function mapReadAll(map: BpfMap): MapEntries {
  let all: MapEntries = { count: 0, keys: new Uint8Array(0), values: new Uint8Array(0) };
  let capacity = 0;
  for (const chunk of mapChunks(map)) {
    const total = all.count + chunk.count;
    if (total > capacity) {
      capacity = all.count === 0 ? total : Math.max(total, capacity * 2);
      all = {
        count: all.count,
        keys: grow(all.keys, capacity * map.keySize),
        values: grow(all.values, capacity * map.bufferSize),
      };
    }
    all.keys.set(chunk.keys, all.count * map.keySize);
    all.values.set(chunk.values, all.count * map.bufferSize);
    all = { ...all, count: total };
  }
  return trim(map, all);
}

function grow(old: Uint8Array, size: number): Uint8Array {
  const bigger = new Uint8Array(size);
  bigger.set(old);
  return bigger;
}

/**
 * Insert or change `count` entries given flat, in order. The kernel's batch takes no flag, so
 * 'noexist' and 'exist' cost a call an entry.
 * @throws DpctlError as mapPut does; `details.done` says how many entries went in before
 */
export function mapPutBatch(
  map: BpfMap,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
  flag: UpdateFlag = 'any',
): void {
  if (count === 0) return;
  checkSize(map, 'key', keys, count * map.keySize);
  checkSize(map, 'value', values, count * map.bufferSize);
  if (flag !== 'any') {
    putSingly(map, keys, values, count, flag);
    return;
  }
  const done = struct(4).u32(0, count);
  const errno = -libbpf().bpf_map_update_batch(map.fd, keys, values, done.bytes, null);
  if (errno === 0) return;
  const put = done.getU32(0) === count ? 0 : done.getU32(0);
  if (put === 0 && noBatch(errno)) putSingly(map, keys, values, count, flag);
  else throw putError(`bpf_map_update_batch ${map.name}`, errno, map, put, count);
}

function putSingly(
  map: BpfMap,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
  flag: UpdateFlag,
): void {
  for (let i = 0; i < count; i++) {
    const key = slot(keys, i, map.keySize);
    const value = slot(values, i, map.bufferSize);
    const result = libbpf().bpf_map_update_elem(map.fd, key, value, UPDATE_FLAG[flag]);
    if (result < 0) throw putError(`bpf_map_update_elem ${map.name}`, -result, map, i, count);
  }
}

function putError(call: string, errno: number, map: BpfMap, done: number, of: number) {
  const { name, maxEntries } = map;
  return kernelError(call, errno, { details: { map: name, maxEntries, done, of } });
}

/**
 * Delete `count` keys given flat. Keys that are not there are passed over.
 * @returns how many were there
 */
export function mapDeleteBatch(map: BpfMap, keys: Uint8Array, count: number): number {
  checkSize(map, 'key', keys, count * map.keySize);
  let deleted = 0;
  for (let at = 0; at < count; ) {
    const left = count - at;
    const done = struct(4).u32(0, left);
    const errno = -libbpf().bpf_map_delete_batch(
      map.fd,
      keys.subarray(at * map.keySize),
      done.bytes,
      null,
    );
    if (errno === 0) return deleted + left;
    if (errno === ERRNO.ENOENT) {
      // The kernel stops at the first missing key: continue after it.
      const before = done.getU32(0);
      deleted += before;
      at += before + 1;
    } else if (noBatch(errno)) {
      for (; at < count; at++) deleted += mapDelete(map, slot(keys, at, map.keySize)) ? 1 : 0;
    } else {
      throw kernelError(`bpf_map_delete_batch ${map.name}`, errno, { details: { map: map.name } });
    }
  }
  return deleted;
}

function slot(bytes: Uint8Array, index: number, size: number): Uint8Array {
  return bytes.subarray(index * size, (index + 1) * size);
}
