/** Where programs are run without traffic: three ports, a loaded datapath, and a clock. */
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

/** struct __sk_buff (linux/bpf.h): its size, and where the interface's number is. */
const CONTEXT = { size: 192, ifindex: 40 } as const;
/** Runs in a row that the kernel takes the average of: about 10 ms. */
const REPEAT = 100_000;
/** Single runs, for a program that changes the frame it is run on. */
const SINGLE = 1000;
/** Tries of which a sample is the best: others on the machine only ever make a run slower. */
const TRIES = { full: 15, quick: 8 } as const;

export const NETWORK = 1;
/** The ports: two plain endpoints, and one whose MACs are learned. */
export const STATIONS = {
  sender: stationOf(1),
  receiver: stationOf(2),
  learner: stationOf(3),
} as const;
export type PortName = keyof typeof STATIONS;
const NAMES = Object.keys(STATIONS) as PortName[];
/** Learned behind the learner. */
export const BEHIND: Station = { ...STATIONS.learner, mac: '02:00:ff:00:00:01' };

/** A namespace with host ends for the ports. */
export interface Ports {
  readonly space: Namespace;
  readonly ifindex: Readonly<Record<PortName, number>>;
}

/** A datapath whose tables know the ports. */
export interface Rig {
  readonly world: World;
  readonly ports: Ports;
}

/** What is run, and on what. */
export interface Run {
  /** Descriptor of the program. */
  readonly program: number;
  readonly frame: Uint8Array;
  /** The port that the frame came out of. */
  readonly from: PortName;
  /** The program changes the frame, so that a second run would be another one. */
  readonly changes?: boolean;
  /** Done before each try, and not timed. */
  readonly prepare?: () => void;
}

/** Make the ports: veth pairs whose far ends lie beside them, for nothing is sent; both are up. */
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

/** Load the datapath and make the ports known to it. */
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

/** The object with what is compared with: bpf/probe.bpf.c. */
export function openProbe(
  sandbox: Sandbox,
  constants: Readonly<Record<string, number>> = {},
): BpfObject {
  const object = openObject(shippedFile('src/bench/bpf/probe.bpf.o'), { constants });
  sandbox.defer(() => object.close());
  loadObject(object);
  return object;
}

/** Descriptor of a program of an object. */
export function programOf(object: BpfObject, name: string): number {
  const program = object.programs.get(name);
  if (program === undefined) throw new TypeError(`${object.path} has no program ${name}`);
  return program.fd;
}

/** Nanoseconds of one run. */
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
 * Nanoseconds that a run takes more than another: of each the best of a few tries, in turns, for
 * the CPU's clock changes.
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

/** Nanoseconds of a run: the best of a few tries. */
export function bestOf(ports: Ports, effort: Effort, run: Run): number {
  const tries = Array.from({ length: TRIES[effort.quick ? 'quick' : 'full'] });
  return Math.min(...tries.map(() => timeOf(ports, run)));
}

/** What a run comes to. @returns the program's verdict */
export function verdictOfRun({ space, ifindex }: Ports, { program, frame, from }: Run): number {
  const ctx = new Uint8Array(CONTEXT.size);
  new DataView(ctx.buffer).setUint32(CONTEXT.ifindex, ifindex[from], true);
  return inNetns(space.fd, () => testRun(program, { data: frame, ctx }).retval);
}
