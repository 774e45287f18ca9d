/**
 * Cost of finding the node of a MAC: by its table entry, by the prefix of its address, or without a match.
 * There is no underlay, so frames for a node are dropped where encapsulation begins. Those without a match are
 * dropped before that: compare them with each other only.
 */
import { DpctlError } from '../../../loader/errors.js';
import { FdbFlags, NetworkFlags } from '../../contract/generated.js';
import { ipToBytes16 } from '../../model/address/ip.js';
import { macToBytes } from '../../model/address/mac.js';
import { macOfIp4 } from '../../model/network/ipam.js';
import type { Effort, Measure, Subject } from '../measure/measure.js';
import { putNetwork, vniOf } from '../subjects/bare-datapath.js';
import { type Station, udp4 } from '../subjects/frames.js';
import {
  costOver,
  NETWORK,
  openRig,
  type Ports,
  programOf,
  type Run,
  STATIONS,
  verdictOfRun,
} from '../subjects/program-rig.js';
import type { Sandbox } from '../subjects/sandbox.js';

/** Number of nodes. Each owns a prefix of 256 addresses. */
const NODES = 1000;
const DROP = 2;
const { sender } = STATIONS;

/** Subjects of `lookup-cost`. `known` is the reference. */
const LOOKUP = {
  known: 'MAC in the table',
  first: `prefix of the first of ${NODES} nodes`,
  last: `prefix of the last of ${NODES} nodes`,
  none: `in none of ${NODES} prefixes`,
  bare: 'MAC of no address',
} as const;

/** First host address in the prefix of a node. Nodes are numbered from 1. */
const addressIn = (node: number): string => `10.${100 + (node >> 8)}.${node & 255}.1`;

function stationAt(ip4: string, mac = macOfIp4(ip4)): Station {
  return { mac, ip4, ip6: 'fd00::9' };
}

/** Measure of destination lookups, by what matches. */
export function prefixMeasure(
  sandbox: Sandbox,
  effort: Effort,
  ports: Ports,
  probe: Parameters<typeof programOf>[0],
): Measure {
  const { world } = openRig(sandbox, ports);
  const vni = vniOf(NETWORK);
  const { PREFIXES, NO_FLOOD_UNKNOWN } = NetworkFlags;
  putNetwork(world, NETWORK, Object.keys(STATIONS).length, PREFIXES | NO_FLOOD_UNKNOWN);
  for (let node = 1; node <= NODES; node++) {
    const ip = ipToBytes16(addressIn(node).replace(/1$/, '0'));
    world.put('nodeprefix', { prefixlen: 32 + 96 + 24, vni, ip }, { node });
  }
  const known = '0a:58:0a:09:09:09';
  world.put(
    'fdb',
    { vni, mac: macToBytes(known) },
    { ifindex: 0, endpoint: 0, node: 1, flags: FdbFlags.STATIC, lastSeen: 0n },
  );
  const destinations: readonly (readonly [string, Station])[] = [
    [LOOKUP.known, stationAt('10.9.9.9', known)],
    [LOOKUP.first, stationAt(addressIn(1))],
    [LOOKUP.last, stationAt(addressIn(NODES))],
    [LOOKUP.none, stationAt('10.99.0.1')],
    [LOOKUP.bare, stationAt('10.99.0.1', '02:00:00:00:00:01')],
  ];
  const empty = programOf(probe, 'empty');
  const program = world.program('endpoint');
  const subjects = destinations.map(([name, to]): Subject => {
    const run: Run = { program, frame: udp4(sender, to), from: 'sender' };
    const got = verdictOfRun(ports, run);
    if (got !== DROP) throw new DpctlError('BENCH_WRONG', `${name}: verdict ${got}, not drop`);
    return {
      name,
      sample: async () => ({
        'lookup-cost': costOver(ports, effort, run, { ...run, program: empty }),
      }),
    };
  });
  return {
    title: 'cost of finding the node of a MAC',
    figures: [
      {
        id: 'lookup-cost',
        title: 'cost over an empty program, with the drop after it',
        unit: 'ns',
        better: 'lower',
      },
    ],
    subjects,
    pairs: [
      [LOOKUP.first, LOOKUP.known],
      [LOOKUP.last, LOOKUP.known],
      [LOOKUP.none, LOOKUP.known],
      [LOOKUP.bare, LOOKUP.known],
    ],
    seconds: effort.quick ? 0.3 : 0.6,
    warmUp: false,
  };
}
