/** Time to fill a MAC table with a million entries by one batch, against the same in C. */
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapPutBatch } from '../../../loader/map/batch.js';
import type { BpfMap } from '../../../loader/map/info.js';
import { loadObject, openObject } from '../../../loader/object/object.js';
import { unpin } from '../../../loader/pin.js';
import {
  FDB_KEY_OFFSETS,
  FDB_OFFSETS,
  FdbFlags,
  MAPS,
  sizeofFdb,
  sizeofFdbKey,
} from '../../contract/generated.js';
import { constantsOf, objectFile } from '../../datapath/objects.js';
import type { Effort, Measure, Readings } from '../measure/measure.js';
import { compileNative } from '../measure/native.js';
import { CLIENT_CPU, run } from '../measure/process.js';
import type { Sandbox } from '../subjects/sandbox.js';

/** Entries of the large table. */
export const MILLION = 1_000_000;
/** Capacity of the table. A hash map must not be completely full. */
export const LARGE_TABLE = 1 << 20;

/** Entries that differ only in their MAC. */
export interface Entries {
  readonly vni: number;
  /** ifindex of the host end and number of the endpoint of all MACs. */
  readonly ifindex: number;
  readonly endpoint: number;
}

/** Milliseconds to wait while the kernel frees the previous table, which keeps a CPU busy. */
const FREEING_MS = 400;

/** Write the MAC of an index: 02:00 and the index, 4 bytes, big-endian. native/fill.c uses the same. */
export function writeMac(bytes: Uint8Array, offset: number, index: number): void {
  bytes[offset] = 0x02;
  bytes[offset + 2] = index >>> 24;
  bytes[offset + 3] = index >>> 16;
  bytes[offset + 4] = index >>> 8;
  bytes[offset + 5] = index;
}

/** Contiguous keys and values of static entries, for a batch update. */
function fdbEntries(
  count: number,
  { vni, ifindex, endpoint }: Entries,
): { readonly keys: Uint8Array; readonly values: Uint8Array } {
  const keys = new Uint8Array(count * sizeofFdbKey);
  const values = new Uint8Array(count * sizeofFdb);
  const key = new DataView(keys.buffer);
  const value = new DataView(values.buffer);
  for (let index = 0; index < count; index++) {
    const k = index * sizeofFdbKey;
    const v = index * sizeofFdb;
    key.setUint32(k + FDB_KEY_OFFSETS.vni, vni, true);
    writeMac(keys, k + FDB_KEY_OFFSETS.mac, index);
    value.setUint32(v + FDB_OFFSETS.ifindex, ifindex, true);
    value.setUint16(v + FDB_OFFSETS.endpoint, endpoint, true);
    value.setUint32(v + FDB_OFFSETS.flags, FdbFlags.STATIC, true);
  }
  return { keys, values };
}

/** Write `count` entries into a table with one batch update. */
export function fillFdb(map: BpfMap, count: number, entries: Entries): void {
  const { keys, values } = fdbEntries(count, entries);
  mapPutBatch(map, keys, values, count);
}

/** Measures of filling. Both subjects fill a new table per sample, with the map type of the datapath. */
export async function fillMeasures(sandbox: Sandbox, effort: Effort): Promise<Measure[]> {
  const pins = sandbox.bpffs('-pins');
  const program = await compileNative(sandbox, 'fill');
  const sample = async (fill: (map: BpfMap, pin: string) => Promise<number>): Promise<Readings> => {
    const dir = join(pins, 'maps');
    mkdirSync(dir);
    const object = openObject(objectFile(), {
      constants: constantsOf('endpoint'),
      maxEntries: { [MAPS.fdb.name]: LARGE_TABLE },
      pinDir: dir,
      only: [],
    });
    try {
      loadObject(object);
      const map = object.maps.get(MAPS.fdb.name);
      if (map === undefined) throw new TypeError('the object has no MAC table');
      return { 'fdb-fill': await fill(map, join(dir, MAPS.fdb.name)) };
    } finally {
      object.close();
      for (const name of readdirSync(dir)) unpin(join(dir, name));
      rmdirSync(dir);
      await sleep(FREEING_MS);
    }
  };
  const inNode = async (map: BpfMap): Promise<number> => {
    const start = performance.now();
    fillFdb(map, MILLION, { vni: 1, ifindex: 2, endpoint: 1 });
    return performance.now() - start;
  };
  const inC = async (_map: BpfMap, pin: string): Promise<number> => {
    const said = await run([program, pin, String(MILLION)], { cpu: CLIENT_CPU });
    const { encode, put } = JSON.parse(said) as { encode: number; put: number };
    return (encode + put) / 1e6;
  };
  return [
    {
      title: 'fill the MAC table with 1,000,000 entries',
      figures: [
        { id: 'fdb-fill', title: 'fill 1,000,000 FDB entries', unit: 'ms', better: 'lower' },
      ],
      subjects: [
        { name: 'C', sample: () => sample(inC) },
        { name: 'dpctl', sample: () => sample(inNode) },
      ],
      pairs: [['dpctl', 'C']],
      seconds: 1.5,
      rounds: effort.quick ? 3 : 5,
    },
  ];
}
