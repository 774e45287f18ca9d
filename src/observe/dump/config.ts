/** The tables that the control plane writes: endpoints, networks, neighbours, configuration. */

import type {
  EndpointEntryRow,
  NeighbourRow,
  NetworkEntryRow,
  SettingRow,
} from '../../api/dump.js';
import {
  configFlagsToNames,
  endpointFlagsToNames,
  neighFlagsToNames,
  networkFlagsToNames,
  underlayFlagsToNames,
} from '../../contract/generated.js';
import type { Node } from '../../control/node/node.js';
import { getRaw } from '../../datapath/tables.js';
import { bytes16ToIp, numberToIp4 } from '../../model/address/ip.js';
import { bytesToMac } from '../../model/address/mac.js';
import { tableKey } from '../../model/desired/table-entry.js';
import type { Names } from './names.js';
import { decodeKey, decodeValue, entriesOf } from './tables.js';

/** The endpoints, gateways included. */
export function* endpointRows(node: Node, names: Names): Generator<EndpointEntryRow> {
  const vnis = new Map<number, number>();
  for (const [key, value] of entriesOf(node, 'network')) {
    vnis.set(decodeKey('network', key), decodeValue('network', value).vni);
  }
  for (const table of ['endpoint', 'endpointx'] as const) {
    for (const [key, value] of entriesOf(node, table)) {
      const endpoint = decodeValue(table, value);
      const vni = vnis.get(endpoint.network) ?? 0;
      const flags = endpointFlagsToNames(endpoint.flags);
      yield {
        ifindex: decodeKey(table, key),
        ifname: names.hostIfname(endpoint.id),
        id: endpoint.id,
        ns: names.ns(endpoint.id),
        network: names.network(vni),
        vni,
        mac: bytesToMac(endpoint.mac),
        ip4: flags.includes('ip4') ? numberToIp4(endpoint.ip4) : '',
        ip6: flags.includes('ip6') ? bytes16ToIp(endpoint.ip6) : '',
        mtu: endpoint.mtu,
        slot: endpoint.slot,
        learned: learnedCount(node, endpoint.id),
        flags: flags.filter((flag) => flag !== 'ip4' && flag !== 'ip6'),
        owner: names.owner(endpoint.id),
        labels: names.labels(endpoint.id),
      };
    }
  }
}

function learnedCount(node: Node, id: number): number {
  const value = getRaw(node.tables(), 'learned', tableKey('learned', id));
  return value === undefined ? 0 : decodeValue('learned', value).count;
}

/** The networks. */
export function* networkRows(node: Node, names: Names): Generator<NetworkEntryRow> {
  for (const [key, value] of entriesOf(node, 'network')) {
    const network = decodeValue('network', value);
    yield {
      vni: network.vni,
      network: names.network(network.vni),
      index: decodeKey('network', key),
      ageing: network.ageing,
      slots: network.slots,
      replicas: network.replicas,
      group_fwd_mask: network.groupForward,
      flags: networkFlagsToNames(network.flags),
    };
  }
}

/** The addresses for which the datapath answers ARP and neighbour solicitations. */
export function* neighRows(node: Node, names: Names): Generator<NeighbourRow> {
  for (const [key, value] of entriesOf(node, 'neigh')) {
    const { vni, ip } = decodeKey('neigh', key);
    const { mac, endpoint, flags } = decodeValue('neigh', value);
    yield {
      dst: bytes16ToIp(ip),
      mac: bytesToMac(mac),
      vni,
      network: names.network(vni),
      ifname: names.hostIfname(endpoint),
      ns: names.ns(endpoint),
      flags: neighFlagsToNames(flags),
    };
  }
}

/** The settings that can change at run time. */
export function* configRows(node: Node): Generator<SettingRow> {
  const bytes = getRaw(node.tables(), 'config', tableKey('config', 0));
  const config = bytes === undefined ? { flags: 0, eventRate: 0 } : decodeValue('config', bytes);
  const flags = configFlagsToNames(config.flags);
  yield { name: 'events', value: flags.includes('events') ? 'on' : 'off' };
  yield { name: 'event_rate', value: String(config.eventRate) };
  yield* underlayRows(node);
}

/** How this node sends to others; none if it does not. */
function* underlayRows(node: Node): Generator<SettingRow> {
  const bytes = getRaw(node.tables(), 'underlay', tableKey('underlay', 0));
  if (bytes === undefined) return;
  const { ifindex, flags, mtu, replicator, local, port, ttl, dscp } = decodeValue(
    'underlay',
    bytes,
  );
  const values = { ifindex, mtu, local: bytes16ToIp(local), port, ttl, dscp, replicator };
  for (const [name, value] of Object.entries(values)) {
    yield { name: `underlay_${name}`, value: String(value) };
  }
  yield { name: 'underlay_flags', value: underlayFlagsToNames(flags).join(',') };
}
