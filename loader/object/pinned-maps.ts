/** Maps that are pinned: reused where they fit, and pinned where they are new. */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { ERRNO, kernelError } from '../errors.js';
import type { Pointer } from '../ffi/seam.js';
import { checkBpf, libbpf } from '../libbpf.js';
import { cString } from '../libc.js';
import { pin, unpin } from '../pin.js';
import { layoutError, mapDifferences, type WantedMap } from './layout.js';
import { type OpenedObject, userMaps } from './opened.js';

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
export function reusePinnedMaps(object: OpenedObject): string[] {
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

/** Pin maps by their names: all or none. */
export function pinAll(object: OpenedObject, names: readonly string[]): void {
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
