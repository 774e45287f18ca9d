/**
 * The two FFI backends side by side, for docs/ffi.md: `node dist/test/loader/helpers/ffi-benchmark.js`.
 * Each figure is the best of five runs in processes of their own; read the ratios.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ffi } from '../../../loader/ffi/seam.js';
import { libc } from '../../../loader/libc.js';
import { mapDeleteBatch, mapPutBatch, mapReadAll } from '../../../loader/map/batch.js';
import { mapGet, mapPut } from '../../../loader/map/entry.js';
import { closeMap, MAP_TYPE, mapCreate } from '../../../loader/map/info.js';
import { loadObject, openObject } from '../../../loader/object/object.js';
import { possibleCpus } from '../../../loader/sys/machine.js';
import { objectPath } from './machine.js';

type Figures = Record<string, number>;

function ms(what: () => void): number {
  const start = performance.now();
  what();
  return performance.now() - start;
}

/** Nanoseconds for one repetition. */
function each(times: number, what: () => void): number {
  return (ms(() => Array.from({ length: times }).forEach(what)) / times) * 1e6;
}

function measure(): Figures {
  const figures: Figures = {};
  figures['first native call, ms'] = ms(() => possibleCpus());
  figures['open and load an object, ms'] = ms(() => {
    const object = openObject(objectPath('sample'));
    loadObject(object);
    object.close();
  });
  const count = 1_000_000;
  const map = mapCreate({
    type: MAP_TYPE.hash,
    name: 'figures',
    keySize: 12,
    valueSize: 24,
    maxEntries: count,
  });
  const keys = new Uint8Array(12 * count);
  const view = new DataView(keys.buffer);
  for (let i = 0; i < count; i++) view.setUint32(12 * i, i, true);
  const values = new Uint8Array(24 * count);
  figures['1M entries put by batch, ms'] = ms(() => mapPutBatch(map, keys, values, count));
  figures['1M entries read by batch, ms'] = ms(() => mapReadAll(map));
  figures['1M entries deleted by batch, ms'] = ms(() => mapDeleteBatch(map, keys, count));
  const text = Buffer.from('x\0');
  figures['a call, ns'] = each(100_000, () => libc.strnlen(text, 2));
  figures['a callback, ns'] = callback();
  const value = values.subarray(0, 24);
  mapPut(map, keys.subarray(0, 12), value);
  figures['an entry read singly, ns'] = each(50_000, () => mapGet(map, keys.subarray(0, 12)));
  figures['an entry put singly, ns'] = each(50_000, () => mapPut(map, keys.subarray(0, 12), value));
  closeMap(map);
  return figures;
}

function callback(): number {
  const length = 2000;
  let calls = 0;
  const compare = ffi().callback(['int', ['ptr', 'ptr']], () => {
    calls += 1;
    return 0;
  });
  const qsort = ffi().open('libc.so.6')('qsort', ['void', ['ptr', 'u64', 'u64', 'ptr']]);
  const elapsed = ms(() => qsort(new Uint8Array(length), length, 1, compare.pointer));
  compare.release();
  return (elapsed / calls) * 1e6;
}

function runOnce(backend: string): Figures {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'measure'], {
    encoding: 'utf8',
    env: { ...process.env, DPCTL_FFI: backend },
  });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout);
}

function best(runs: readonly Figures[], name: string): number {
  return Math.min(...runs.map((run) => run[name] ?? 0));
}

if (process.argv[2] === 'measure') {
  console.log(JSON.stringify(measure()));
} else {
  // In turns, so that a busy moment of the machine affects both.
  const runs = Array.from({ length: 5 }, () => [runOnce('koffi'), runOnce('ffi-napi')] as const);
  const koffi = runs.map(([run]) => run);
  const napi = runs.map(([, run]) => run);
  const round = (x: number) => (x < 10 ? x.toFixed(1) : x.toFixed(0));
  console.log('| | koffi | ffi-napi | ratio |\n|---|--:|--:|--:|');
  for (const name of Object.keys(koffi[0] ?? {})) {
    const [a, b] = [best(koffi, name), best(napi, name)];
    console.log(`| ${name} | ${round(a)} | ${round(b)} | ${(b / a).toFixed(1)} |`);
  }
}
