/** The suite of two nodes: traffic between endpoints of different nodes, by every way there is. */
import { DpctlError } from '../../loader/errors.js';
import type { Goal } from './goals.js';
import { CONGESTION } from './iperf.js';
import type { Effort, FigureSpec, Measure } from './measure.js';
import {
  DECAPS,
  type Decap,
  dpctlName,
  KIND,
  overlayPair,
  routedPair,
  type Underlay,
  vxlanPair,
} from './overlay-subjects.js';
import type { Pair } from './pair.js';
import type { Setting } from './result.js';
import { openProbe, programOf } from './rig.js';
import type { Stage } from './stage.js';
import type { SuiteContext, SuiteSpec } from './suite.js';
import {
  bulkMeasure,
  connectMeasure,
  type Field,
  findTools,
  packetMeasure,
  pingPongMeasure,
  serveAll,
  type Tools,
} from './traffic.js';
import { verifyPayload } from './verify.js';

const GSO = 'gso';
const WIRE = 'wire';
/** As a NIC would do it: XDP in the driver of every path. */
const NATIVE = 'xdp';
const JUMBO = 'jumbo';

/** Rounds of a full run: there are many subjects, and four underlays. */
const ROUNDS = 5;

interface Promised {
  readonly underlay: string;
  readonly figure: string;
  readonly decap: Decap;
  readonly to: string;
  readonly least: number;
}

const promise = (
  underlay: string,
  decap: Decap,
  bounds: Readonly<Record<string, number>>,
): Promised[] =>
  Object.entries(bounds).flatMap(([figure, least]) => [
    { underlay, figure, decap, to: KIND.bridge, least },
    { underlay, figure, decap, to: KIND.none, least: 1 },
  ]);

/** Times are promised as rates: 1.2 times the rate is 1 / 1.2 of the time. */
const GOALS: readonly Goal[] = [
  ...promise(GSO, 'tc', {
    'udp-64-carried': 1.9,
    'tcp-pp-p50': 1.2,
    'tcp4-1-rate': 1.1,
    'tcp4-4-rate': 1.1,
  }),
  ...promise(WIRE, 'tc-gro', { 'udp-64-carried': 1.7, 'tcp4-1-rate': 1.1, 'tcp4-4-rate': 1.15 }),
  ...promise(JUMBO, 'xdp', { 'tcp4-1-rate': 1.3 }),
  ...promise(NATIVE, 'xdp', { 'udp-64-carried': 1.9, 'tcp4-1-rate': 1.2, 'tcp4-4-rate': 1.35 }),
].map(({ underlay, figure, decap, to, least }) => {
  const isTime = figure.endsWith('-p50');
  return {
    suite: 'overlay',
    figure: `${underlay}-${figure}`,
    of: dpctlName(decap),
    to,
    kind: isTime ? 'most' : 'least',
    bound: isTime ? Math.round(1000 / least) / 1000 : least,
  } satisfies Goal;
});

/** The underlays of a run. @param xdp descriptor of the program for the third */
function underlaysOf({ quick }: Effort, xdp: number): Underlay[] {
  const plain: Underlay[] = [
    { name: GSO, wire: false, mtu: 1500 },
    { name: WIRE, wire: true, mtu: 1500 },
  ];
  if (quick) return plain;
  return [
    ...plain,
    { name: NATIVE, wire: true, mtu: 1500, xdp },
    { name: JUMBO, wire: true, mtu: 9000 },
  ];
}

/** Ways of dpctl's that are measured on an underlay: in a quick run the one that auto would take. */
function decapsOf({ quick }: Effort, { wire }: Underlay): readonly Decap[] {
  if (!quick) return DECAPS;
  return wire ? ['tc-gro'] : ['tc'];
}

async function openPairs(
  { stage, effort, skip }: SuiteContext,
  underlay: Underlay,
): Promise<Pair[]> {
  const label = `-${underlay.name}`;
  const pairs = [
    routedPair(stage, `${label}-n`, underlay),
    vxlanPair(stage, `${label}-b`, underlay, false),
  ];
  if (!effort.quick) pairs.push(vxlanPair(stage, `${label}-m`, underlay, true));
  for (const decap of decapsOf(effort, underlay)) {
    try {
      pairs.push(await overlayPair(stage, `${label}-${decap}`, underlay, decap));
    } catch (error) {
      if (!(error instanceof DpctlError) || !error.code.startsWith('DECAP_')) throw error;
      const what = `${dpctlName(decap)}, on the ${underlay.name} underlay`;
      skip({ what, why: error.message, hint: error.hint ?? '' });
    }
  }
  return pairs;
}

/** The same measure with the underlay's name in the figures. */
function onUnderlay({ name, mtu }: Underlay, effort: Effort, measure: Measure): Measure {
  const where = `${name} underlay, MTU ${mtu}`;
  const rename = (spec: FigureSpec): FigureSpec => ({
    ...spec,
    id: `${name}-${spec.id}`,
    title: `${spec.title} (${where})`,
  });
  return {
    ...measure,
    title: `${measure.title} (${where})`,
    figures: measure.figures.map(rename),
    subjects: measure.subjects.map((subject) => ({
      ...subject,
      sample: async () =>
        Object.fromEntries(
          Object.entries(await subject.sample()).map(([id, value]) => [`${name}-${id}`, value]),
        ),
    })),
    ...(effort.quick ? {} : { rounds: ROUNDS }),
  };
}

function measuresOf(field: Field, underlay: Underlay, effort: Effort, tools: Tools): Measure[] {
  const { quick } = effort;
  const jumbo = underlay.name === JUMBO;
  const measures: Measure[] = [];
  if (tools.iperf) {
    measures.push(bulkMeasure('tcp4-1', field, effort, { family: 4, streams: 1 }));
    if (!quick) {
      const back = { family: 4, streams: 1, reverse: true } as const;
      measures.push(
        bulkMeasure('tcp4-1-back', field, effort, back),
        bulkMeasure('tcp4-4', field, effort, { family: 4, streams: 4 }),
        bulkMeasure('tcp6-1', field, effort, { family: 6, streams: 1 }),
      );
    }
    if (!jumbo) measures.push(packetMeasure('udp-64', field, effort, 64));
    if (!quick && !jumbo) measures.push(packetMeasure('udp-1400', field, effort, 1400));
  }
  if (tools.sockperf && !quick && !jumbo) {
    for (const transport of ['udp', 'tcp'] as const) {
      measures.push(pingPongMeasure(field, effort, transport));
    }
  }
  if (tools.connect !== undefined && !quick && !jumbo) {
    measures.push(connectMeasure(field, effort, tools.connect));
  }
  return measures.map((measure) => onUnderlay(underlay, effort, measure));
}

async function checked(
  stage: Stage,
  pair: Pair,
  underlay: Underlay,
): Promise<Omit<Setting, 'suite'>> {
  const value = await verifyPayload(stage, pair);
  return { name: `payload through ${pair.name}, ${underlay.name} underlay`, value };
}

/** Two nodes. */
export const OVERLAY: SuiteSpec = {
  name: 'overlay',
  goals: GOALS,
  seconds: { quick: 50, full: 1500 },
  async open(context) {
    const { stage, effort, skip } = context;
    const tools = await findTools(stage, skip);
    const measures: Measure[] = [];
    const settings: Omit<Setting, 'suite'>[] = [
      { name: 'congestion control', value: CONGESTION },
      { name: 'MTU of the endpoints', value: "the underlay's less 50, without an overlay too" },
    ];
    const pass = programOf(openProbe(stage), 'pass');
    for (const underlay of underlaysOf(effort, pass)) {
      const pairs = await openPairs(context, underlay);
      for (const pair of pairs) {
        await serveAll(stage, pair, tools);
        settings.push(await checked(stage, pair, underlay));
      }
      const ours = pairs.filter(({ name }) => name.startsWith('dpctl')).map(({ name }) => name);
      const ratios = ours.flatMap((name) =>
        [KIND.bridge, KIND.none].map((to) => [name, to] as const),
      );
      measures.push(...measuresOf({ pairs, ratios }, underlay, effort, tools));
    }
    return { measures, settings };
  },
};
