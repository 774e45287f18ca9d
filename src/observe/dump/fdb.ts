/** The MAC table, which may have a million rows: read in batches, and decoded once for each location. */
import { mapReadAll } from '../../../loader/map/batch.js';
import { clockTickHz } from '../../../loader/sys/machine.js';
import type { FdbRow } from '../../api/fdb.js';
import {
  FDB_KEY_OFFSETS,
  FDB_OFFSETS,
  FdbFlags,
  sizeofFdb,
  sizeofFdbKey,
} from '../../contract/generated.js';
import { datapathOf, type Node } from '../../control/node/node.js';
import { datapathNow } from '../../datapath/fdb-control.js';
import { bytesToMac } from '../../model/address/mac.js';
import type { Listing } from './dump.js';
import { cutRow, type RowText, rowWriter } from './json-rows.js';
import type { Names } from './names.js';
import { vtepsOf } from './nodes.js';
import { decodeValue, entriesOf } from './tables.js';

/** What all entries of one location have in common. */
interface Location extends Omit<FdbRow, 'mac' | 'age'> {
  /** The row as JSON, without MAC and age. */
  readonly text: RowText;
}

/** One entry; the same object is reused for each. */
interface Entry {
  readonly keys: Uint8Array;
  /** Offset of its MAC in the keys. */
  mac: number;
  age: number;
  location: Location;
}

/** The entries of the MAC table, without aged ones: the datapath does not use them any more. */
export function fdbRows(node: Node, names: Names): Listing<FdbRow> {
  return {
    *[Symbol.iterator]() {
      for (const { keys, mac, age, location } of entries(node, names)) {
        yield rowOf(bytesToMac(keys, mac), age, location);
      }
    },
    json: {
      *[Symbol.iterator]() {
        const writer = rowWriter();
        for (const { keys, mac, age, location } of entries(node, names)) {
          const full = writer.add(location.text, keys, mac, age);
          if (full !== undefined) yield full;
        }
        const last = writer.end();
        if (last !== undefined) yield last;
      },
    },
  };
}

function rowOf(mac: string, age: number, location: Omit<Location, 'text'>): FdbRow {
  const { ifname, ifindex, vni, network, ns, node, dst, state, flags } = location;
  return { mac, ifname, ifindex, vni, network, ns, node, dst, state, age, flags };
}

function* entries(node: Node, names: Names): Generator<Entry> {
  const { count, keys, values } = mapReadAll(node.tables().map('fdb'));
  const key = new DataView(keys.buffer, keys.byteOffset);
  const value = new DataView(values.buffer, values.byteOffset);
  const now = datapathNow(datapathOf(node));
  const hz = clockTickHz();
  const ageing = ageingByVni(node);
  const locationOf = locations(node, names);
  let entry: Entry | undefined;
  for (let row = 0; row < count; row++) {
    const k = row * sizeofFdbKey;
    const v = row * sizeofFdb;
    const flags = value.getUint32(v + FDB_OFFSETS.flags, true);
    const vni = key.getUint32(k + FDB_KEY_OFFSETS.vni, true);
    let age = 0;
    if (flags === 0) {
      const elapsed = now - value.getBigUint64(v + FDB_OFFSETS.lastSeen, true);
      age = elapsed > 0n ? Math.floor(Number(elapsed) / hz) : 0;
      const limit = ageing.get(vni) ?? 0;
      if (limit > 0 && age >= limit) continue;
    }
    const location = locationOf(
      vni,
      flags,
      value.getUint32(v + FDB_OFFSETS.ifindex, true),
      value.getUint16(v + FDB_OFFSETS.endpoint, true),
      value.getUint16(v + FDB_OFFSETS.node, true),
    );
    const mac = k + FDB_KEY_OFFSETS.mac;
    entry ??= { keys, mac, age, location };
    entry.mac = mac;
    entry.age = age;
    entry.location = location;
    yield entry;
  }
}

/** Locations by the numbers in an entry, each built once. */
function locations(node: Node, names: Names) {
  const vteps = vtepsOf(node);
  const byNetwork = new Map<number, Map<number, Location>>();
  return (vni: number, flags: number, ifindex: number, id: number, remote: number): Location => {
    // Numbers of 53 bits: the flags above the VNI's 24 bits, the interface above its owners' 32.
    const network = vni + flags * 2 ** 24;
    let known = byNetwork.get(network);
    if (known === undefined) {
      known = new Map();
      byNetwork.set(network, known);
    }
    const owner = id * 2 ** 16 + remote + (ifindex % 2 ** 21) * 2 ** 32;
    const found = known.get(owner);
    if (found !== undefined && found.ifindex === ifindex) return found;
    const learned = flags === 0;
    const location: Omit<Location, 'text'> = {
      ifname: names.hostIfname(id),
      ifindex,
      vni,
      network: names.network(vni),
      ns: names.ns(id),
      node: remote === 0 ? '' : names.node(remote),
      dst: remote === 0 ? '' : (vteps.get(remote) ?? ''),
      state: learned ? 'learned' : (flags & FdbFlags.ENDPOINT) !== 0 ? 'permanent' : 'static',
      flags: flagsOf(flags),
    };
    const text = cutRow(JSON.stringify(rowOf('', 0, location)), 'mac', 'age');
    const made = { ...location, text };
    known.set(owner, made);
    return made;
  };
}

const NONE: readonly string[] = [];
const GATEWAY: readonly string[] = ['gateway'];
const EXTERN: readonly string[] = ['extern_learn'];

function flagsOf(flags: number): readonly string[] {
  if ((flags & FdbFlags.EXTERN) !== 0) return EXTERN;
  return (flags & FdbFlags.GATEWAY) !== 0 ? GATEWAY : NONE;
}

/** Seconds of ageing by VNI; 0: never. */
function ageingByVni(node: Node): Map<number, number> {
  const ageing = new Map<number, number>();
  for (const [, bytes] of entriesOf(node, 'network')) {
    const network = decodeValue('network', bytes);
    ageing.set(network.vni, network.ageing);
  }
  return ageing;
}
