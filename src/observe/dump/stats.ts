/** Counters: of each endpoint, and of each reason to drop a frame. */

import type { CounterRow } from '../../api/dump.js';
import {
  describeReason,
  type EndpointStats,
  nameOfReason,
  Reason,
  sizeofEndpointStats,
  sizeofReasonStats,
} from '../../contract/generated.js';
import type { Node } from '../../control/node/node.js';
import { getRaw } from '../../datapath/tables.js';
import { tableKey } from '../../model/desired/table-entry.js';
import type { Names } from './names.js';
import { decodeKey, decodeValue, entriesOf } from './tables.js';

/** Sums over all CPUs. */
type EndpointTotals = Record<keyof EndpointStats, number>;

/** The counters of one endpoint since it was attached. */
function endpointTotals(bytes: Uint8Array): EndpointTotals {
  const totals: EndpointTotals = {
    txPackets: 0,
    txBytes: 0,
    rxPackets: 0,
    rxBytes: 0,
    txDropped: 0,
    txFlooded: 0,
    suppressed: 0,
    rxDropped: 0,
  };
  const stride = (sizeofEndpointStats + 7) & ~7;
  for (let offset = 0; offset < bytes.length; offset += stride) {
    const stats = decodeValue('epstat', bytes, offset);
    for (const key of Object.keys(totals) as (keyof EndpointStats)[]) {
      totals[key] += Number(stats[key]);
    }
  }
  return totals;
}

/** The counters. Reasons that never occurred have no row. */
export function* statsRows(node: Node, names: Names): Generator<CounterRow> {
  const ids = new Set<number>();
  for (const table of ['endpoint', 'endpointx'] as const) {
    for (const [, value] of entriesOf(node, table)) ids.add(decodeValue(table, value).id);
  }
  for (const id of [...ids].sort((a, b) => a - b)) {
    const bytes = getRaw(node.tables(), 'epstat', tableKey('epstat', id));
    const stats = endpointTotals(bytes ?? new Uint8Array(0));
    const row = (counter: string, packets: number, size: number, text: string): CounterRow => ({
      kind: 'endpoint',
      name: names.label(id),
      counter,
      packets,
      bytes: size,
      text,
    });
    yield row('tx', stats.txPackets, stats.txBytes, 'frames from the endpoint');
    yield row('rx', stats.rxPackets, stats.rxBytes, 'frames to the endpoint');
    yield row('dropped', stats.txDropped, 0, 'frames from the endpoint that were dropped');
    yield row('flooded', stats.txFlooded, 0, 'frames from the endpoint that were flooded');
    yield row(
      'rx_dropped',
      stats.rxDropped,
      0,
      'frames to the endpoint that could not be delivered',
    );
    yield row('suppressed', stats.suppressed, 0, 'ARP and ND requests answered here');
  }
  yield* reasonRows(node);
}

function* reasonRows(node: Node): Generator<CounterRow> {
  const stride = (sizeofReasonStats + 7) & ~7;
  for (const [key, bytes] of entriesOf(node, 'reason')) {
    const reason = decodeKey('reason', key);
    let packets = 0;
    let size = 0;
    for (let offset = 0; offset < bytes.length; offset += stride) {
      const stats = decodeValue('reason', bytes, offset);
      packets += Number(stats.packets);
      size += Number(stats.bytes);
    }
    yield {
      kind: reason < Reason.NOTICE ? 'drop' : 'notice',
      name: nameOfReason(reason),
      counter: 'count',
      packets,
      bytes: size,
      text: describeReason(reason),
    };
  }
}
