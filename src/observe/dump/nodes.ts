/** The other nodes as the datapath knows them, with the traffic to and from each. */

import type { NodeEntryRow, NodePrefixRow } from '../../api/dump.js';
import { type NodeStats, sizeofNodeStats } from '../../contract/generated.js';
import type { Node } from '../../control/node/node.js';
import { getRaw } from '../../datapath/tables.js';
import { bytes16ToIp } from '../../model/address/ip.js';
import { mappedPrefixText } from '../../model/desired/entry-text.js';
import { tableKey } from '../../model/desired/table-entry.js';
import type { Names } from './names.js';
import { decodeKey, decodeValue, entriesOf } from './tables.js';

/** Addresses of the other nodes by number. */
export function vtepsOf(node: Node): Map<number, string> {
  const vteps = new Map<number, string>();
  for (const [key, value] of entriesOf(node, 'node')) {
    vteps.set(decodeKey('node', key), bytes16ToIp(decodeValue('node', value).vtep));
  }
  return vteps;
}

/** The other nodes; counters are sums over all CPUs. */
export function* nodeRows(node: Node, names: Names): Generator<NodeEntryRow> {
  for (const [number, dst] of vtepsOf(node)) {
    const bytes = getRaw(node.tables(), 'nodestat', tableKey('nodestat', number));
    const stats = nodeTotals(bytes ?? new Uint8Array(0));
    const learned = getRaw(node.tables(), 'nodelearn', tableKey('nodelearn', number));
    yield {
      name: names.node(number),
      dst,
      number,
      learned: learned === undefined ? 0 : decodeValue('nodelearn', learned).count,
      tx_packets: stats.txPackets,
      tx_bytes: stats.txBytes,
      rx_packets: stats.rxPackets,
      rx_bytes: stats.rxBytes,
      tx_dropped: stats.txDropped,
      rx_dropped: stats.rxDropped,
    };
  }
}

/** The prefixes that nodes own, in the order of networks and addresses. */
export function* prefixRows(node: Node, names: Names): Generator<NodePrefixRow> {
  const vteps = vtepsOf(node);
  const entries = [...entriesOf(node, 'nodeprefix')].map(([key, value]) => ({
    ...decodeKey('nodeprefix', key),
    owner: decodeValue('nodeprefix', value).node,
  }));
  entries.sort((a, b) => a.vni - b.vni || Buffer.compare(a.ip, b.ip) || a.prefixlen - b.prefixlen);
  for (const { vni, ip, prefixlen, owner } of entries) {
    yield {
      prefix: mappedPrefixText(ip, prefixlen - 32),
      vni,
      network: names.network(vni),
      node: owner === 0 ? '' : names.node(owner),
      dst: vteps.get(owner) ?? '',
    };
  }
}

/** Sums over all CPUs. */
function nodeTotals(bytes: Uint8Array): Record<keyof NodeStats, number> {
  const totals = {
    txPackets: 0,
    txBytes: 0,
    rxPackets: 0,
    rxBytes: 0,
    txDropped: 0,
    rxDropped: 0,
  };
  const stride = (sizeofNodeStats + 7) & ~7;
  for (let offset = 0; offset < bytes.length; offset += stride) {
    const stats = decodeValue('nodestat', bytes, offset);
    for (const key of Object.keys(totals) as (keyof NodeStats)[]) totals[key] += Number(stats[key]);
  }
  return totals;
}
