/** The datapath deletes learned MACs itself, as it also keeps their count. */
import { isDeepStrictEqual } from 'node:util';
import { ERRNO } from '../../loader/errors.js';
import { testRun } from '../../loader/testrun.js';
import {
  type Control,
  ControlOp,
  controlCodec,
  controlPutCodec,
  decodeControl,
  type Fdb,
} from '../contract/generated.js';
import { decodeKey, decodeValue, type RawEntry, tableEntry } from '../model/desired/table-entry.js';
import { type DatapathPaths, withProgram } from './install.js';
import { entriesRaw, getRaw, putRaw, type Tables } from './tables.js';

/** A node's datapath: where its programs are pinned, and its tables. */
export interface Datapath {
  readonly pins: DatapathPaths;
  readonly tables: Tables;
}

/** A learned entry that was deleted. */
export interface Forgotten {
  readonly vni: number;
  readonly mac: Uint8Array;
  readonly ifindex: number;
  readonly endpoint: number;
  /** Number of the other node behind which it was; 0: this node. */
  readonly node: number;
}

/** Delete the learned FDB entries that a test selects, and return them. */
export function forgetLearned(
  datapath: Datapath,
  picks: (entry: Fdb, key: { vni: number; mac: Uint8Array }) => boolean,
): Forgotten[] {
  const forgotten: Forgotten[] = [];
  withProgram(datapath.pins, 'control', (fd) => {
    for (const [keyBytes, valueBytes] of entriesRaw(datapath.tables, 'fdb')) {
      const entry = decodeValue('fdb', valueBytes);
      const key = decodeKey('fdb', keyBytes);
      if (entry.flags !== 0 || !picks(entry, key)) continue;
      if (runControl(fd, { op: ControlOp.FDB_FORGET, fdb: key }).result !== 0) continue;
      const { ifindex, endpoint, node: remote } = entry;
      forgotten.push({ ...key, ifindex, endpoint, node: remote });
    }
  });
  return forgotten;
}

/**
 * Count the learned entries again, as their number is limited: older builds of the datapath did not count
 * them, and races between CPUs make errors add up.
 */
export function recountLearned(datapath: Datapath): void {
  let count = 0;
  for (const [, value] of entriesRaw(datapath.tables, 'fdb')) {
    if (decodeValue('fdb', value).flags === 0) count += 1;
  }
  putRaw(datapath.tables, tableEntry('learned', 0, { count }));
}

/** How often a MAC may be learned again while an entry for it is written: each time takes a frame. */
const PUT_TRIES = 1000;

/**
 * Write an entry of our own into the FDB. A learned entry in its place counts against a limit, so the
 * datapath replaces it, and retries if the MAC is learned meanwhile. An own entry with another target is
 * deleted first, as it may become a learned one at any moment.
 * @throws DpctlError MAP_FULL; KERNEL_EEXIST (exit 2) if the MAC is learned again and again
 */
export function putFdb(datapath: Datapath, entry: RawEntry): void {
  for (let left = PUT_TRIES; left > 0; left--) {
    const was = ownEntry(datapath, entry.key);
    if (was !== undefined && isDeepStrictEqual(holderOf(was), holderOf(entry))) {
      putRaw(datapath.tables, entry);
      return;
    }
    if (was !== undefined) deleteFdb(datapath, was);
    const error = putNew(datapath, entry);
    if (error === 0) return;
    if (error !== ERRNO.EEXIST && error !== ERRNO.EAGAIN) break;
  }
  // A program of an older build cannot do it, and the kernel's own error says what is wrong.
  forgetKey(datapath, entry.key);
  putRaw(datapath.tables, entry, 'noexist');
}

/** Write a new entry, replacing a learned one. Returns 0 or an errno. */
function putNew(datapath: Datapath, { key, value }: RawEntry): number {
  const { endpoint, node, ifindex, flags } = decodeValue('fdb', value);
  const request = whole({ op: ControlOp.FDB_PUT, fdb: decodeKey('fdb', key), endpoint, node });
  const data = controlPutCodec.encode({ request, ifindex, flags });
  return withProgram(datapath.pins, 'control', (fd) => -answerOf(fd, data).result);
}

/**
 * Delete an entry of our own from the FDB. One that has become a learned entry stays: its port was gone, and
 * its MAC was seen elsewhere.
 */
export function deleteFdb(datapath: Datapath, entry: RawEntry): void {
  const fdb = decodeKey('fdb', entry.key);
  const request = { op: ControlOp.FDB_DELETE, fdb, ...holderOf(entry) };
  withProgram(datapath.pins, 'control', (fd) => {
    for (let left = PUT_TRIES; left > 0; left--) {
      if (-runControl(fd, request).result !== ERRNO.EAGAIN) return;
    }
  });
}

/** The endpoint or node that an entry points to. */
function holderOf({ value }: RawEntry): Pick<Fdb, 'endpoint' | 'node'> {
  const { endpoint, node } = decodeValue('fdb', value);
  return { endpoint, node };
}

/** An entry that is not learned. */
function ownEntry(datapath: Datapath, key: Uint8Array): RawEntry | undefined {
  const value = getRaw(datapath.tables, 'fdb', key);
  if (value === undefined || decodeValue('fdb', value).flags === 0) return undefined;
  return { table: 'fdb', key, value };
}

/** Delete one entry of the FDB if it is a learned one. Returns 0 or a negative errno. */
function forgetKey(datapath: Datapath, keyBytes: Uint8Array): number {
  const fdb = decodeKey('fdb', keyBytes);
  return withProgram(
    datapath.pins,
    'control',
    (fd) => runControl(fd, { op: ControlOp.FDB_FORGET, fdb }).result,
  );
}

/** The datapath's clock, jiffies64. */
export function datapathNow(datapath: Datapath): bigint {
  return withProgram(datapath.pins, 'control', (fd) => {
    return runControl(fd, { op: ControlOp.NOW }).now;
  });
}

function runControl(fd: number, request: Pick<Control, 'op'> & Partial<Control>): Control {
  return answerOf(fd, controlCodec.encode(whole(request)));
}

function whole(request: Pick<Control, 'op'> & Partial<Control>): Control {
  const fdb = { vni: 0, mac: new Uint8Array(6) };
  return { result: 0, now: 0n, fdb, endpoint: 0, node: 0, ...request };
}

function answerOf(fd: number, request: Uint8Array): Control {
  const { data } = testRun(fd, { data: request });
  return decodeControl(new DataView(data.buffer, data.byteOffset, data.byteLength));
}
