/** The datapath without a control plane: loads the BPF object and writes its tables directly. */

import { mapPut } from '../../../loader/map/entry.js';
import type { BpfMap } from '../../../loader/map/info.js';
import { type BpfObject, loadObject, openObject } from '../../../loader/object/object.js';
import { EndpointFlags, FdbFlags, MAPS } from '../../contract/generated.js';
import { constantsOf, objectFile } from '../../datapath/objects.js';
import { ip4ToNumber, ipToBytes16 } from '../../model/address/ip.js';
import { macToBytes } from '../../model/address/mac.js';
import {
  type KeyOf,
  type TableName,
  tableEntry,
  type ValueOf,
} from '../../model/desired/table-entry.js';
import { LARGE_TABLE } from '../suites/control-fill.js';
import type { Station } from './frames.js';
import type { Sandbox } from './sandbox.js';

/** VNI of a network. */
export const vniOf = (network: number): number => network;
const AGEING = 300;
const MTU = 1500;

/** A loaded datapath. */
export interface World {
  readonly object: BpfObject;
  map(table: TableName): BpfMap;
  put<N extends TableName>(table: N, key: KeyOf<N>, value: ValueOf<N>): void;
  /** File descriptor of a program. */
  program(name: string): number;
}

/** An endpoint of a loaded datapath. */
export interface Port {
  /** Number of the endpoint, from 1. */
  readonly id: number;
  readonly network: number;
  readonly slot: number;
  readonly ifindex: number;
  readonly station: Station;
  /** true: check source addresses, as by default. false: learn MACs. */
  readonly lock?: boolean;
}

/** Load the datapath with room for a million MACs. It is unloaded with the sandbox. */
export function openWorld(sandbox: Sandbox): World {
  const object = openObject(objectFile(), {
    constants: constantsOf('endpoint'),
    maxEntries: { [MAPS.fdb.name]: LARGE_TABLE },
  });
  sandbox.defer(() => object.close());
  loadObject(object);
  const map = (table: TableName): BpfMap => {
    const found = object.maps.get(MAPS[table].name);
    if (found === undefined) throw new TypeError(`the object has no table ${table}`);
    return found;
  };
  return {
    object,
    map,
    put: (table, key, value) => {
      const entry = tableEntry(table, key, value);
      mapPut(map(table), entry.key, entry.value);
    },
    program: (name) => {
      const program = object.programs.get(name);
      if (program === undefined) throw new TypeError(`the object has no program ${name}`);
      return program.fd;
    },
  };
}

/** Create a network. @param slots size of its flood list */
export function putNetwork(world: World, network: number, slots: number, flags = 0): void {
  const vni = vniOf(network);
  world.put('network', network, {
    vni,
    ageing: AGEING,
    flags,
    slots,
    replicas: 0,
    groupForward: 0,
  });
}

/** Create a port: entries in the endpoint table, the flood list of its network and the MAC table. */
export function putPort(world: World, { id, network, slot, ifindex, station, lock }: Port): void {
  const { IP4, IP6, LOCK, LEARN } = EndpointFlags;
  world.put('endpoint', ifindex, {
    ...{ id, network, slot },
    flags: IP4 | IP6 | (lock === false ? LEARN : LOCK),
    learnMax: 1024,
    mac: macToBytes(station.mac),
    mtu: MTU,
    ip4: ip4ToNumber(station.ip4),
    ip6: ipToBytes16(station.ip6),
  });
  world.put('port', { network, slot }, { ifindex, endpoint: id });
  putMac(world, { network, ifindex, id }, station.mac, FdbFlags.ENDPOINT);
}

/** Add a MAC table entry for a port. */
export function putMac(
  world: World,
  { network, ifindex, id }: Pick<Port, 'network' | 'ifindex' | 'id'>,
  mac: string,
  flags: number,
  lastSeen = 0n,
): void {
  world.put(
    'fdb',
    { vni: vniOf(network), mac: macToBytes(mac) },
    { ifindex, endpoint: id, node: 0, flags, lastSeen },
  );
}

/** Addresses of a station, derived from its number. */
export function stationOf(number: number): Station {
  const [high, low] = [number >>> 8, number & 0xff];
  const hex = number.toString(16).padStart(4, '0');
  return {
    mac: `0a:58:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`,
    ip4: `10.0.${high}.${low}`,
    ip6: `fd00::${number.toString(16)}`,
  };
}
