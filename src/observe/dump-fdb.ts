/** The MAC table, which may have a million rows: read in batches, decoded in place. */
import { mapReadAll } from '../../loader/map.js';
import { clockTickHz } from '../../loader/sys.js';
import {
  FDB_KEY_OFFSETS,
  FDB_OFFSETS,
  FdbFlags,
  sizeofFdb,
  sizeofFdbKey,
} from '../contract/generated.js';
import { datapathNow } from '../control/forget.js';
import type { Node } from '../control/node.js';
import { bytesToMac } from '../model/address.js';
import type { DumpRow } from './dump.js';
import { vtepsOf } from './dump-nodes.js';
import type { Names } from './names.js';
import { decodeValue, entriesOf } from './tables.js';

/**
 * Rows {mac, ifname, ifindex, vni, network, ns, node, dst, state, age, flags}. `state` is learned, static or
 * permanent (the own MAC of an endpoint); age is in seconds, of learned entries only. What has
 * aged is left out: the datapath does not use it any more.
 */
export function* fdbRows(node: Node, names: Names): Generator<DumpRow> {
  const { count, keys, values } = mapReadAll(node.tables().map('fdb'));
  const key = new DataView(keys.buffer, keys.byteOffset);
  const value = new DataView(values.buffer, values.byteOffset);
  const now = datapathNow(node);
  const hz = clockTickHz();
  const ageing = ageingByVni(node);
  const vteps = vtepsOf(node);
  for (let row = 0; row < count; row++) {
    const k = row * sizeofFdbKey;
    const v = row * sizeofFdb;
    const flags = value.getUint32(v + FDB_OFFSETS.flags, true);
    const vni = key.getUint32(k + FDB_KEY_OFFSETS.vni, true);
    const id = value.getUint16(v + FDB_OFFSETS.endpoint, true);
    const remote = value.getUint16(v + FDB_OFFSETS.node, true);
    const learned = flags === 0;
    let age = 0;
    if (learned) {
      const elapsed = now - value.getBigUint64(v + FDB_OFFSETS.lastSeen, true);
      age = elapsed > 0n ? Math.floor(Number(elapsed) / hz) : 0;
      const limit = ageing.get(vni) ?? 0;
      if (limit > 0 && age >= limit) continue;
    }
    yield {
      mac: bytesToMac(keys, k + FDB_KEY_OFFSETS.mac),
      ifname: names.hostIfname(id),
      ifindex: value.getUint32(v + FDB_OFFSETS.ifindex, true),
      vni,
      network: names.network(vni),
      ns: names.ns(id),
      node: remote === 0 ? '' : names.node(remote),
      dst: remote === 0 ? '' : (vteps.get(remote) ?? ''),
      state: learned ? 'learned' : (flags & FdbFlags.ENDPOINT) !== 0 ? 'permanent' : 'static',
      age,
      flags: (flags & FdbFlags.GATEWAY) !== 0 ? GATEWAY : NONE,
    };
  }
}

const NONE: readonly string[] = [];
const GATEWAY: readonly string[] = ['gateway'];

/** Seconds of ageing by VNI; 0: never. */
function ageingByVni(node: Node): Map<number, number> {
  const ageing = new Map<number, number>();
  for (const [, bytes] of entriesOf(node, 'network')) {
    const network = decodeValue('network', bytes);
    ageing.set(network.vni, network.ageing);
  }
  return ageing;
}
