/** Test runs of BPF programs without traffic: three ports, a loaded datapath, and timing. */
import { type BpfObject, loadObject, openObject } from '../../../loader/object/object.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { testRun } from '../../../loader/testrun.js';
import { ControlOp, controlCodec, decodeControl } from '../../contract/generated.js';
import { linkSet } from '../../linux/netlink/link.js';
import { linkAddVeth } from '../../linux/netlink/pair.js';
import { withRtnl } from '../../linux/netlink/socket.js';
import { ipToBytes16 } from '../../model/address/ip.js';
import { macToBytes } from '../../model/address/mac.js';
import type { Effort } from '../measure/measure.js';
import { median } from '../measure/method.js';
import { shippedFile } from '../measure/shipped-files.js';
import {
  openWorld,
  putMac,
  putNetwork,
  putPort,
  stationOf,
  vniOf,
  type World,
} from './bare-datapath.js';
import type { Station } from './frames.js';
import type { Namespace, Sandbox } from './sandbox.js';

/** struct __sk_buff (linux/bpf.h): its size and the offset of ifindex, in bytes. */
const CONTEXT = { size: 192, ifindex: 40 } as const;
/** Repetitions per test run, over which the kernel averages: about 10 ms. */
const REPEAT = 100_000;
/** Number of single runs, for a program that changes its frame. */
const SINGLE = 1000;
/** Number of tries per sample, which is the fastest: disturbances can only make a run slower. */
const TRIES = { full: 15, quick: 8 } as const;

export const NETWORK = 1;
/** Stations of the ports: two endpoints with source check, and one that learns MACs. */
export const STATIONS = {
  sender: stationOf(1),
  receiver: stationOf(2),
  learner: stationOf(3),
} as const;
export type PortName = keyof typeof STATIONS;
const NAMES = Object.keys(STATIONS) as PortName[];
/** A station with a learned MAC, behind the learner. */
export const BEHIND: Station = { ...STATIONS.learner, mac: '02:00:ff:00:00:01' };

/** A namespace, and the ifindexes of the host ends in it. */
export interface Ports {
  readonly space: Namespace;
  readonly ifindex: Readonly<Record<PortName, number>>;
}

/** A datapath with table entries for the ports. */
export interface Rig {
  readonly world: World;
  readonly ports: Ports;
}

/** A test run of a program on a frame. */
export interface Run {
  /** File descriptor of the program. */
  readonly program: number;
  readonly frame: Uint8Array;
  /** Port that the frame comes from. */
  readonly from: PortName;
  /** The program changes the frame, so it cannot be repeated on the result. */
  readonly changes?: boolean;
  /** Called before each try; not timed. */
  readonly prepare?: () => void;
}

/** Create the ports: veth pairs with both ends in one namespace, since no traffic is sent. Both are up. */
export function openPorts(sandbox: Sandbox): Ports {
  const space = sandbox.namespace('-ports');
  const ifindex = withRtnl(space.fd, (rtnl) =>
    NAMES.map((name) => {
      const link = linkAddVeth(rtnl, { name, up: true, peer: { name: `${name}-far` } });
      if (link.peerIfindex !== undefined) linkSet(rtnl, link.peerIfindex, { up: true });
      return [name, link.ifindex] as const;
    }),
  );
  return { space, ifindex: Object.fromEntries(ifindex) as Ports['ifindex'] };
}

/** Load the datapath and write table entries for the ports. */
export function openRig(sandbox: Sandbox, ports: Ports): Rig {
  const world = openWorld(sandbox);
  putNetwork(world, NETWORK, NAMES.length);
  for (const [slot, name] of NAMES.entries()) {
    const ifindex = ports.ifindex[name];
    const port = { id: slot + 1, network: NETWORK, slot, ifindex, station: STATIONS[name] };
    putPort(world, { ...port, lock: name !== 'learner' });
    if (name === 'learner') putMac(world, port, BEHIND.mac, 0, jiffies(world));
  }
  const { receiver } = STATIONS;
  world.put(
    'neigh',
    { vni: vniOf(NETWORK), ip: ipToBytes16(receiver.ip4) },
    { mac: macToBytes(receiver.mac), flags: 0, endpoint: NAMES.indexOf('receiver') + 1 },
  );
  return { world, ports };
}

function jiffies(world: World): bigint {
  const fdb = { vni: 0, mac: new Uint8Array(6) };
  const request = controlCodec.encode({
    op: ControlOp.NOW,
    result: 0,
    now: 0n,
    fdb,
    endpoint: 0,
    node: 0,
  });
  const { data } = testRun(world.program('control'), { data: request });
  return decodeControl(new DataView(data.buffer, data.byteOffset, data.byteLength)).now;
}

/** Load the object with the reference programs: bpf/probe.bpf.c. */
export function openProbe(
  sandbox: Sandbox,
  constants: Readonly<Record<string, number>> = {},
): BpfObject {
  const object = openObject(shippedFile('src/bench/bpf/probe.bpf.o'), { constants });
  sandbox.defer(() => object.close());
  loadObject(object);
  return object;
}

/** File descriptor of a program of an object. */
export function programOf(object: BpfObject, name: string): number {
  const program = object.programs.get(name);
  if (program === undefined) throw new TypeError(`${object.path} has no program ${name}`);
  return program.fd;
}

/** Time of one run, in nanoseconds. */
function timeOf({ space, ifindex }: Ports, run: Run): number {
  const { program, frame, from, changes } = run;
  run.prepare?.();
  const ctx = new Uint8Array(CONTEXT.size);
  new DataView(ctx.buffer).setUint32(CONTEXT.ifindex, ifindex[from], true);
  return inNetns(space.fd, () => {
    if (!changes) return testRun(program, { data: frame, ctx, repeat: REPEAT }).durationNs;
    const runs = Array.from(
      { length: SINGLE },
      () => testRun(program, { data: frame, ctx }).durationNs,
    );
    return median(runs);
  });
}

/**
 * Difference of the times of two runs, in nanoseconds. Takes the fastest of a few tries each, in alternation
 * because the CPU frequency changes.
 */
export function costOver(ports: Ports, effort: Effort, run: Run, than: Run): number {
  let best = Number.POSITIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  for (let tries = TRIES[effort.quick ? 'quick' : 'full']; tries > 0; tries--) {
    least = Math.min(least, timeOf(ports, than));
    best = Math.min(best, timeOf(ports, run));
  }
  return best - least;
}

/** Time of a run, in nanoseconds: the fastest of a few tries. */
export function bestOf(ports: Ports, effort: Effort, run: Run): number {
  const tries = Array.from({ length: TRIES[effort.quick ? 'quick' : 'full'] });
  return Math.min(...tries.map(() => timeOf(ports, run)));
}

/** Run a program once. @returns its verdict */
export function verdictOfRun({ space, ifindex }: Ports, { program, frame, from }: Run): number {
  const ctx = new Uint8Array(CONTEXT.size);
  new DataView(ctx.buffer).setUint32(CONTEXT.ifindex, ifindex[from], true);
  return inNetns(space.fd, () => testRun(program, { data: frame, ctx }).retval);
}
