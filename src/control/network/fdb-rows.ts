/** Entries of the MAC table as rows. */

import type { FdbRow } from '../../api/fdb.js';
import type { Forgotten } from '../../datapath/fdb-control.js';
import { bytesToMac } from '../../model/address/mac.js';
import type { RemoteFdb, State, StaticFdb } from '../../model/state/state.js';

/** A static MAC behind an endpoint. */
export function fdbRow(state: State, { network, mac, endpoint: id }: StaticFdb): FdbRow {
  const endpoint = state.endpoints.find((each) => each.id === id);
  return {
    mac,
    vni: state.networks.find(({ name }) => name === network)?.vni ?? 0,
    network,
    ns: endpoint?.namespace.ref ?? '',
    ifname: endpoint?.hostIfname ?? '',
    ifindex: endpoint?.ifindex ?? 0,
    node: '',
    dst: '',
    state: 'static',
    age: 0,
    flags: [],
  };
}

/** A static MAC behind another node. */
export function remoteFdbRow(state: State, { network, mac, node: number }: RemoteFdb): FdbRow {
  const remote = state.nodes.find((each) => each.number === number);
  return {
    mac,
    vni: state.networks.find(({ name }) => name === network)?.vni ?? 0,
    network,
    ns: '',
    ifname: '',
    ifindex: 0,
    node: remote?.name ?? '',
    dst: remote?.vtep ?? '',
    state: 'static',
    age: 0,
    flags: [],
  };
}

/** A learned MAC that was deleted. */
export function learnedRow(state: State, learned: Forgotten): FdbRow {
  const { mac, vni, ifindex, endpoint: id, node: number } = learned;
  const endpoint = state.endpoints.find((each) => each.id === id);
  const remote = state.nodes.find((each) => each.number === number);
  return {
    mac: bytesToMac(mac),
    vni,
    network: state.networks.find((network) => network.vni === vni)?.name ?? '',
    ns: endpoint?.namespace.ref ?? '',
    ifname: endpoint?.hostIfname ?? '',
    ifindex,
    node: remote?.name ?? '',
    dst: remote?.vtep ?? '',
    state: 'learned',
    age: 0,
    flags: [],
  };
}
