/** Cost of a frame in the programs of the datapath, by path and by size of the MAC table. */
import { DpctlError } from '../../../loader/errors.js';
import { mapPut } from '../../../loader/map/entry.js';
import { type BpfObject, loadObject, openObject } from '../../../loader/object/object.js';
import { programInfo } from '../../../loader/program.js';
import { constantsOf, OBJECTS, type ObjectName, objectFile } from '../../datapath/objects.js';
import type { Effort, Measure, Subject } from '../measure/measure.js';
import { vniOf } from '../subjects/bare-datapath.js';
import { arpRequest, type Station, udp4, udp6 } from '../subjects/frames.js';
import {
  BEHIND,
  bestOf,
  costOver,
  NETWORK,
  openRig,
  type PortName,
  type Ports,
  programOf,
  type Run,
  STATIONS,
  verdictOfRun,
} from '../subjects/program-rig.js';
import type { Sandbox } from '../subjects/sandbox.js';
import { fillFdb, MILLION } from './control-fill.js';

/** TC_ACT_SHOT and TC_ACT_REDIRECT (linux/pkt_cls.h). */
const VERDICT = { drop: 2, redirect: 7 } as const;
/** Number of destinations of a hot set, and of entries of the small table. */
const FEW = 100;
const MANY = 10_000;
/** Size of a BPF instruction, in bytes. */
const INSTRUCTION = 8;

interface Path {
  readonly name: string;
  readonly from: PortName;
  readonly frame: Uint8Array;
  readonly verdict: keyof typeof VERDICT;
  readonly changes?: boolean;
}

const { sender, receiver, learner } = STATIONS;
const STRANGER: Station = { ...sender, ip4: '10.9.9.9' };

/** Subjects of `path-cost` that goals refer to. */
export const PATH = { ip4: 'unicast, IPv4', ip6: 'unicast, IPv6' } as const;

const PATHS: readonly Path[] = [
  { name: PATH.ip4, from: 'sender', frame: udp4(sender, receiver), verdict: 'redirect' },
  { name: PATH.ip6, from: 'sender', frame: udp6(sender, receiver), verdict: 'redirect' },
  {
    name: 'unicast to a learned MAC',
    from: 'sender',
    frame: udp4(sender, learner, BEHIND.mac),
    verdict: 'redirect',
  },
  {
    name: 'unicast from a learned MAC',
    from: 'learner',
    frame: udp4(BEHIND, receiver),
    verdict: 'redirect',
  },
  {
    name: 'ARP request answered',
    from: 'sender',
    frame: arpRequest(sender, receiver),
    verdict: 'redirect',
    changes: true,
  },
  {
    name: 'dropped: wrong source',
    from: 'sender',
    frame: udp4(STRANGER, receiver),
    verdict: 'drop',
  },
];

/** Measure of the paths of the endpoint program, relative to an empty program. */
export function pathMeasure(
  sandbox: Sandbox,
  effort: Effort,
  ports: Ports,
  probe: BpfObject,
): Measure {
  const rig = openRig(sandbox, ports);
  const endpoint = rig.world.program('endpoint');
  const empty = programOf(probe, 'empty');
  const subjects = PATHS.map(({ name, verdict, ...path }): Subject => {
    const run: Run = { program: endpoint, ...path };
    const got = verdictOfRun(ports, run);
    if (got !== VERDICT[verdict]) {
      throw new DpctlError('BENCH_WRONG', `${name}: verdict ${got}, not ${verdict}`);
    }
    return {
      name,
      sample: async () => ({
        'path-cost': costOver(ports, effort, run, { ...run, program: empty }),
      }),
    };
  });
  return {
    title: 'cost of a frame',
    figures: [
      { id: 'path-cost', title: 'cost over an empty program', unit: 'ns', better: 'lower' },
    ],
    subjects,
    pairs: [],
    seconds: effort.quick ? 0.3 : 0.6,
    warmUp: false,
  };
}

/** Subjects of the lookup measure: table sizes, with lookups of a few MACs or of all. */
export const FDB = { few: '100 entries', hot: '1,000,000 entries, 100 of them' } as const;
const TABLES = [
  { entries: FEW, asked: FEW, name: FDB.few },
  { entries: MANY, asked: FEW, name: '10,000 entries, 100 of them' },
  { entries: MANY, asked: MANY, name: '10,000 entries, at random' },
  { entries: MILLION, asked: FEW, name: FDB.hot },
  { entries: MILLION, asked: MILLION, name: '1,000,000 entries, at random' },
] as const;

/**
 * Measure of frames to random MACs, by size of the table: the time of the whole run, less that of choosing
 * the MACs.
 */
export function fdbMeasure(
  sandbox: Sandbox,
  effort: Effort,
  ports: Ports,
  probe: BpfObject,
): Measure {
  const scatter = programOf(probe, 'scatter');
  const empty = programOf(probe, 'empty');
  const endpoints = new Map(
    [FEW, MANY, MILLION].map((entries) => {
      const { world } = openRig(sandbox, ports);
      const behind = { vni: vniOf(NETWORK), ifindex: ports.ifindex.receiver, endpoint: 2 };
      fillFdb(world.map('fdb'), entries, behind);
      return [entries, world.program('endpoint')] as const;
    }),
  );
  const run: Run = { program: scatter, frame: udp4(sender, receiver), from: 'sender' };
  const bare: Run = { ...run, program: empty };
  const set = (name: string, value: readonly number[]): void => {
    const map = probe.maps.get(name);
    if (map === undefined) throw new TypeError(`the probe has no map ${name}`);
    mapPut(map, new Uint8Array(4), new Uint8Array(Uint32Array.from(value).buffer));
  };
  return {
    title: 'cost by the size of the MAC table',
    figures: [{ id: 'fdb-run', title: 'a run by the MAC table', unit: 'ns', better: 'lower' }],
    subjects: TABLES.map(({ name, entries, asked }) => ({
      name,
      sample: async () => {
        set('bench_scatter', [asked, 1]);
        const ours = { ...run, prepare: () => set('bench_next', [endpoints.get(entries) ?? 0]) };
        const nothing = { ...run, prepare: () => set('bench_next', [empty]) };
        return { 'fdb-run': costOver(ports, effort, ours, nothing) + bestOf(ports, effort, bare) };
      },
    })),
    pairs: TABLES.slice(1).map(({ name }) => [name, FDB.few] as const),
    seconds: effort.quick ? 0.5 : 1,
    warmUp: false,
  };
}

/** Size of each program. It is constant, so one sample is enough. */
export function sizeMeasure(): Measure {
  const sizes = sizesOf();
  const figures = [
    { id: 'insns-xlated', title: 'instructions', of: 'xlated' },
    { id: 'insns-verified', title: 'instructions that the verifier walked', of: 'verified' },
    { id: 'bytes-jited', title: 'machine code', of: 'jited' },
  ] as const;
  return {
    title: 'size of the programs',
    figures: figures.map(({ id, title }) => ({
      ...{ id, title, better: 'lower' },
      unit: id === 'bytes-jited' ? 'B' : '',
    })),
    subjects: sizes.map(({ name, ...size }) => ({
      name,
      sample: async () => Object.fromEntries(figures.map(({ id, of }) => [id, size[of]])),
    })),
    pairs: [],
    seconds: 0,
    rounds: 1,
    warmUp: false,
  };
}

interface Size {
  readonly name: string;
  readonly xlated: number;
  readonly verified: number;
  readonly jited: number;
}

function sizesOf(): Size[] {
  return (Object.keys(OBJECTS) as ObjectName[]).flatMap((name) => {
    const object = openObject(objectFile(name), { constants: constantsOf(name) });
    try {
      loadObject(object);
      return [...object.programs].map(([program, { fd }]) => {
        const { xlatedLength, verifiedInsns, jitedLength } = programInfo(fd);
        return {
          name: program,
          xlated: xlatedLength / INSTRUCTION,
          verified: verifiedInsns,
          jited: jitedLength,
        };
      });
    } finally {
      object.close();
    }
  });
}
