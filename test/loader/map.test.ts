import { join } from 'node:path';
import test from 'ava';
import {
  mapChunks,
  mapDeleteBatch,
  mapEntries,
  mapPutBatch,
  mapReadAll,
} from '../../loader/map/batch.js';
import { mapDelete, mapGet, mapKeys, mapPut } from '../../loader/map/entry.js';
import {
  type BpfMap,
  closeMap,
  MAP_TYPE,
  type MapSpec,
  mapCreate,
  mapFromFd,
  openPinnedMap,
  percpuStride,
} from '../../loader/map/info.js';
import { getPinned, pin, unpin } from '../../loader/pin.js';
import { possibleCpus } from '../../loader/sys/machine.js';
import { le, refusal, withBpffs } from './helpers/machine.js';

function withMap<T>(spec: Partial<MapSpec>, use: (map: BpfMap) => T): T {
  const map = mapCreate({
    type: MAP_TYPE.hash,
    name: 'test',
    keySize: 4,
    valueSize: 8,
    maxEntries: 16,
    ...spec,
  });
  try {
    return use(map);
  } finally {
    closeMap(map);
  }
}

/** `count` keys and values flat: key i, value 10 i. */
function flat(count: number, from = 0): { keys: Uint8Array; values: Uint8Array } {
  const keys = new Uint32Array(count);
  const values = new BigUint64Array(count);
  for (let i = 0; i < count; i++) {
    keys[i] = from + i;
    values[i] = BigInt(10 * (from + i));
  }
  return { keys: new Uint8Array(keys.buffer), values: new Uint8Array(values.buffer) };
}

const number = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32LE(0);

test('put, get, delete', (t) => {
  withMap({}, (map) => {
    t.is(mapGet(map, le(1, 4)), undefined);
    mapPut(map, le(1, 4), le(77n, 8));
    t.deepEqual(mapGet(map, le(1, 4)), le(77n, 8).slice());
    mapPut(map, le(1, 4), le(78n, 8), 'exist');
    t.is(number(mapGet(map, le(1, 4)) ?? le(0, 8)), 78);
    t.true(mapDelete(map, le(1, 4)));
    t.false(mapDelete(map, le(1, 4)));
    t.is(mapGet(map, le(1, 4)), undefined);
  });
});

test('a refused update says why by errno name', (t) => {
  withMap({ name: 'small', maxEntries: 1 }, (map) => {
    mapPut(map, le(1, 4), le(1, 8));
    const exists = refusal(() => mapPut(map, le(1, 4), le(1, 8), 'noexist'));
    t.is(exists.code, 'KERNEL_EEXIST');
    t.is(exists.exitCode, 2);
    t.regex(exists.message, /^bpf_map_update_elem small: EEXIST/);
    t.is(refusal(() => mapPut(map, le(2, 4), le(1, 8), 'exist')).code, 'KERNEL_ENOENT');
    const full = refusal(() => mapPut(map, le(2, 4), le(1, 8)));
    t.is(full.details.errno, 'E2BIG');
    t.is(full.details.maxEntries, 1);
  });
});

test('a key or value of the wrong size never reaches the kernel', (t) => {
  withMap({}, (map) => {
    const wrong = refusal(() => mapPut(map, new Uint8Array(3), le(1, 8)));
    t.is(wrong.message, 'map test: key of 3 bytes, expected 4');
    t.is(wrong.exitCode, 70);
    t.is(refusal(() => mapPut(map, le(1, 4), le(1, 4))).code, 'MAP_BUFFER');
    t.is(refusal(() => mapGet(map, le(1, 8))).code, 'MAP_BUFFER');
    t.is(refusal(() => mapPutBatch(map, le(1, 4), le(1, 4), 1)).code, 'MAP_BUFFER');
    t.is(refusal(() => mapDeleteBatch(map, le(1, 4), 2)).code, 'MAP_BUFFER');
  });
});

test('a map that the kernel refuses to make is an error by name', (t) => {
  const error = refusal(() => withMap({ name: 'bad', maxEntries: 0 }, () => 0));
  t.regex(error.message, /^bpf_map_create bad: EINVAL/);
});

for (const [name, type] of [
  ['hash', MAP_TYPE.hash],
  ['LRU hash', MAP_TYPE.lruHash],
] as const) {
  test(`${name}: batches put, read and delete`, (t) => {
    withMap({ type, maxEntries: 10_000 }, (map) => {
      const { keys, values } = flat(2000);
      mapPutBatch(map, keys, values, 2000);
      const all = mapReadAll(map);
      t.is(all.count, 2000);
      t.is(all.keys.byteLength, 8000);
      t.is(all.values.byteLength, 16_000);
      const found = new Map([...mapEntries(map)].map(([k, v]) => [number(k), number(v)]));
      t.is(found.size, 2000);
      t.true([...found].every(([k, v]) => v === 10 * k));
      t.is(mapDeleteBatch(map, keys, 2000), 2000);
      t.is(mapReadAll(map).count, 0);
    });
  });
}

test('an array and an LPM trie are read whole', (t) => {
  withMap({ type: MAP_TYPE.array, maxEntries: 5 }, (map) => {
    mapPut(map, le(3, 4), le(9, 8));
    t.deepEqual(
      [...mapEntries(map)].map(([k, v]) => [number(k), number(v)]),
      [
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 9],
        [4, 0],
      ],
    );
    t.is(refusal(() => mapPut(map, le(5, 4), le(9, 8))).details.errno, 'E2BIG');
  });
  withMap({ type: MAP_TYPE.lpmTrie, keySize: 8, flags: 1, maxEntries: 5 }, (map) => {
    const prefix = (length: number, ...bytes: number[]) =>
      new Uint8Array([length, 0, 0, 0, ...bytes]);
    mapPut(map, prefix(8, 10, 0, 0, 0), le(1, 8));
    mapPut(map, prefix(16, 10, 1, 0, 0), le(2, 8));
    t.deepEqual(mapReadAll(map).count, 2);
    t.is(number(mapGet(map, prefix(32, 10, 1, 2, 3)) ?? le(0, 8)), 2);
    t.is(mapDeleteBatch(map, prefix(8, 10, 0, 0, 0), 1), 1);
    t.is(mapReadAll(map).count, 1);
  });
});

test('a map type without batches is walked key by key', (t) => {
  withMap({ type: MAP_TYPE.devmapHash, valueSize: 4 }, (map) => {
    // Values of a device map are ifindexes; 1 is the loopback device everywhere.
    const keys = flat(3).keys;
    const ones = new Uint8Array(new Uint32Array([1, 1, 1]).buffer);
    mapPutBatch(map, keys, ones, 3);
    t.deepEqual([...mapEntries(map)].map(([k, v]) => [number(k), number(v)]).sort(), [
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    t.is(mapReadAll(map).count, 3);
    t.is(mapDeleteBatch(map, keys, 3), 3);
    t.is(mapReadAll(map).count, 0);
  });
});

test('a per-CPU map has one value for each CPU', (t) => {
  withMap({ type: MAP_TYPE.percpuHash, valueSize: 12 }, (map) => {
    t.is(percpuStride(12), 16);
    t.is(map.bufferSize, 16 * possibleCpus());
    const value = new Uint8Array(map.bufferSize).fill(5, 0, 12).fill(7, 16, 28);
    mapPut(map, le(1, 4), value);
    t.deepEqual(mapGet(map, le(1, 4)), value);
    const all = mapReadAll(map);
    t.is(all.count, 1);
    t.deepEqual(Buffer.from(all.values), Buffer.from(value));
    mapPutBatch(map, le(2, 4), value, 1);
    t.is([...mapKeys(map)].length, 2);
  });
});

test('a bucket larger than the buffer makes the buffer grow', (t) => {
  withMap({ maxEntries: 4000 }, (map) => {
    const { keys, values } = flat(4000);
    mapPutBatch(map, keys, values, 4000);
    // One entry at a time: any bucket of two is too large at first.
    const seen = new Set<number>();
    for (const chunk of mapChunks(map, 1)) {
      for (let i = 0; i < chunk.count; i++) seen.add(number(chunk.keys.subarray(4 * i)));
    }
    t.is(seen.size, 4000);
  });
});

test('a read during change sees every entry that stays, once', (t) => {
  withMap({ maxEntries: 20_000 }, (map) => {
    const stay = flat(5000);
    const go = flat(5000, 5000);
    mapPutBatch(map, stay.keys, stay.values, 5000);
    mapPutBatch(map, go.keys, go.values, 5000);
    for (const read of [() => mapChunksKeys(map), () => mapKeysNumbers(map)]) {
      const seen: number[] = [];
      let step = 0;
      for (const key of read()) {
        seen.push(key);
        // Delete entries and add others while the reader is at work.
        if (step % 7 === 0) mapDelete(map, le(5000 + ((step * 13) % 5000), 4));
        if (step % 11 === 0 && step < 50_000) mapPut(map, le(100_000 + (step % 3000), 4), le(1, 8));
        step++;
      }
      const kept = seen.filter((key) => key < 5000);
      t.is(kept.length, 5000);
      t.is(new Set(kept).size, 5000);
    }
  });
});

function* mapChunksKeys(map: BpfMap): Generator<number> {
  for (const chunk of mapChunks(map, 64)) {
    for (let i = 0; i < chunk.count; i++) yield number(chunk.keys.subarray(4 * i));
  }
}
function* mapKeysNumbers(map: BpfMap): Generator<number> {
  for (const key of mapKeys(map)) yield number(key);
}

test('a batch that does not fit says how far it came', (t) => {
  withMap({ maxEntries: 100 }, (map) => {
    const { keys, values } = flat(200);
    const error = refusal(() => mapPutBatch(map, keys, values, 200));
    t.is(error.details.errno, 'E2BIG');
    t.is(error.details.of, 200);
    t.is(error.details.done, mapReadAll(map).count);
    t.true((error.details.done as number) >= 100);
  });
  withMap({}, (map) => {
    mapPut(map, le(2, 4), le(0, 8));
    const { keys, values } = flat(4);
    const error = refusal(() => mapPutBatch(map, keys, values, 4, 'noexist'));
    t.is(error.code, 'KERNEL_EEXIST');
    t.is(error.details.done, 2);
  });
});

test('deleting a batch skips missing entries', (t) => {
  withMap({}, (map) => {
    for (const key of [1, 3, 4]) mapPut(map, le(key, 4), le(0, 8));
    t.is(mapDeleteBatch(map, flat(7).keys, 7), 3);
    t.is(mapReadAll(map).count, 0);
    t.is(mapDeleteBatch(map, flat(7).keys, 7), 0);
    t.is(mapDeleteBatch(map, new Uint8Array(0), 0), 0);
  });
});

test('a pinned map outlives its descriptor and has its whole name', (t) => {
  withBpffs((dir) => {
    const path = join(dir, 'a_name_longer_than_the_kernel_keeps_v1');
    withMap({}, (map) => {
      mapPut(map, le(1, 4), le(5, 8));
      pin(map.fd, path);
      t.is(refusal(() => pin(map.fd, path)).details.errno, 'EEXIST');
    });
    const map = openPinnedMap(path);
    t.is(map.name, 'a_name_longer_than_the_kernel_keeps_v1');
    t.is(number(mapGet(map, le(1, 4)) ?? le(0, 8)), 5);
    closeMap(map);
    const again = mapFromFd(getPinned(path, 'map'));
    t.is(again.id, map.id);
    closeMap(again);
    const other = refusal(() => getPinned(path, 'program'));
    t.is(other.code, 'PIN_KIND');
    t.is(other.message, `${path} is a pinned map; dpctl needs a program there`);
    t.true(unpin(path));
    t.false(unpin(path));
    const gone = refusal(() => openPinnedMap(path));
    t.is(gone.code, 'KERNEL_ENOENT');
    t.true(gone.message.startsWith(`bpf_obj_get ${path}: ENOENT`));
  });
});

test.serial('a million entries are written, read and deleted by batch', (t) => {
  const count = 1_000_000;
  withMap({ maxEntries: count }, (map) => {
    const { keys, values } = flat(count);
    const times: number[] = [];
    const timed = <T>(what: () => T): T => {
      const start = performance.now();
      const result = what();
      times.push(Math.round(performance.now() - start));
      return result;
    };
    timed(() => mapPutBatch(map, keys, values, count));
    const all = timed(() => mapReadAll(map));
    t.is(all.count, count);
    const read = new Uint32Array(all.keys.buffer, all.keys.byteOffset, count);
    const values64 = new BigUint64Array(all.values.buffer, all.values.byteOffset, count);
    let sum = 0;
    let right = true;
    for (let i = 0; i < count; i++) {
      sum += read[i] ?? 0;
      right &&= Number(values64[i]) === 10 * (read[i] ?? 0);
    }
    t.is(sum, (count * (count - 1)) / 2);
    t.true(right, 'a value belongs to another key');
    t.is(
      timed(() => mapDeleteBatch(map, keys, count)),
      count,
    );
    t.log(`put ${times[0]} ms, read ${times[1]} ms, delete ${times[2]} ms`);
    // Single calls would take 2 s by koffi and 49 s by ffi-napi; batches take half a second.
    t.true(Math.max(...times) < 10_000);
  });
});
