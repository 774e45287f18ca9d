import { DpctlError, ERRNO, kernelError } from '../errors.js';
import { libbpf } from '../libbpf.js';
import type { BpfMap } from './info.js';

/** Whether an update may create, must create, or must find the key. */
export type UpdateFlag = 'any' | 'noexist' | 'exist';

/** BPF_ANY, BPF_NOEXIST, BPF_EXIST (linux/bpf.h). */
export const UPDATE_FLAG: Readonly<Record<UpdateFlag, number>> = { any: 0, noexist: 1, exist: 2 };

/** libbpf reads as many bytes as the map says: a shorter buffer would hand it foreign memory. */
export function checkSize(map: BpfMap, what: 'key' | 'value', bytes: Uint8Array, want: number) {
  if (bytes.byteLength === want) return;
  throw new DpctlError(
    'MAP_BUFFER',
    `map ${map.name}: ${what} of ${bytes.byteLength} bytes, expected ${want}`,
    { exitCode: 70, details: { map: map.name, [what]: bytes.byteLength, wanted: want } },
  );
}

/**
 * Look a key up.
 * @returns the value's bytes (a per-CPU map: all CPUs, {@link BpfMap.bufferSize}), or undefined
 */
export function mapGet(map: BpfMap, key: Uint8Array): Uint8Array | undefined {
  checkSize(map, 'key', key, map.keySize);
  const value = new Uint8Array(map.bufferSize);
  const result = libbpf().bpf_map_lookup_elem(map.fd, key, value);
  if (result === 0) return value;
  if (-result === ERRNO.ENOENT) return undefined;
  throw kernelError(`bpf_map_lookup_elem ${map.name}`, -result);
}

/**
 * Insert or change an entry.
 * @throws DpctlError KERNEL_EEXIST ('noexist' and it is there), KERNEL_ENOENT ('exist' and it is
 * not), KERNEL_E2BIG (map full, or an array index past the end), KERNEL_ENOMEM, KERNEL_EBUSY
 */
export function mapPut(
  map: BpfMap,
  key: Uint8Array,
  value: Uint8Array,
  flag: UpdateFlag = 'any',
): void {
  checkSize(map, 'key', key, map.keySize);
  checkSize(map, 'value', value, map.bufferSize);
  const result = libbpf().bpf_map_update_elem(map.fd, key, value, UPDATE_FLAG[flag]);
  if (result < 0) {
    throw kernelError(`bpf_map_update_elem ${map.name}`, -result, {
      details: { map: map.name, maxEntries: map.maxEntries },
    });
  }
}

/** Delete an entry; false when it was not there. */
export function mapDelete(map: BpfMap, key: Uint8Array): boolean {
  checkSize(map, 'key', key, map.keySize);
  const result = libbpf().bpf_map_delete_elem(map.fd, key);
  if (result === 0) return true;
  if (-result === ERRNO.ENOENT) return false;
  throw kernelError(`bpf_map_delete_elem ${map.name}`, -result);
}

/**
 * Every key once, one system call a key. A key deleted while it is the cursor makes the kernel
 * start again, so keys already seen are skipped and the walk is bounded.
 */
export function* mapKeys(map: BpfMap): Generator<Uint8Array> {
  const seen = new Set<string>();
  let cursor: Uint8Array | null = null;
  const bound = 4 * map.maxEntries + 1024;
  for (let step = 0; step < bound; step++) {
    const next = new Uint8Array(map.keySize);
    const result = libbpf().bpf_map_get_next_key(map.fd, cursor, next);
    if (-result === ERRNO.ENOENT) return;
    if (result < 0) throw kernelError(`bpf_map_get_next_key ${map.name}`, -result);
    const text = Buffer.from(next.buffer).toString('latin1');
    if (!seen.has(text)) {
      seen.add(text);
      // The caller may change what it gets; the cursor is a copy of our own.
      yield next.slice();
    }
    cursor = next;
  }
}
