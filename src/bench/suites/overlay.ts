/** Two-node suite: traffic between endpoints of different nodes, with all methods of decapsulation. */

import { DpctlError } from '../../../loader/errors.js';
import type { FigureSpec, Setting } from '../../api/bench.js';
import { hintText } from '../../model/hint.js';
import { CONGESTION } from '../measure/iperf.js';
import type { Effort, Measure } from '../measure/measure.js';
import {
  alonePair,
  DECAPS,
  type Decap,
  dpctlName,
  KIND,
  overlayPairs,
  routedPair,
  type Underlay,
  vxlanPair,
} from '../subjects/overlay.js';
import type { Pair } from '../subjects/pair.js';
import { openProbe, programOf } from '../subjects/program-rig.js';
import type { Sandbox } from '../subjects/sandbox.js';
import { verifyPayload } from '../subjects/verify.js';
import { GOALS, UNDERLAY } from './overlay-goals.js';
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

/** Rounds of a full run. Few, because there are many subjects and four underlays. */
const ROUNDS = 5;

/** Underlays of a run. @param xdp file descriptor of the XDP program for the native underlay */
function underlaysOf({ quick }: Effort, xdp: number): Underlay[] {
  const plain: Underlay[] = [
    { name: UNDERLAY.gso, wire: false, mtu: 1500 },
    { name: UNDERLAY.wire, wire: true, mtu: 1500 },
  ];
  if (quick) return plain;
  return [
    ...plain,
    { name: UNDERLAY.native, wire: true, mtu: 1500, xdp },
    { name: UNDERLAY.jumbo, wire: true, mtu: 9000 },
  ];
}

/** Decapsulation methods to measure on an underlay. A quick run uses only the one that auto selects. */
function decapsOf({ quick }: Effort, { wire }: Underlay): readonly Decap[] {
  if (!quick) return DECAPS;
  return wire ? ['tc-gro'] : ['tc'];
}

/** Pairs of endpoints, and of hosts if host traffic is measured. */
interface Pairs {
  readonly pairs: readonly Pair[];
  readonly hosts: readonly Pair[];
}

async function openPairs(
  { sandbox, effort, skip }: SuiteContext,
  underlay: Underlay,
): Promise<Pairs> {
  const label = `-${underlay.name}`;
  const pairs = [
    routedPair(sandbox, `${label}-n`, underlay),
    vxlanPair(sandbox, `${label}-b`, underlay, false),
  ];
  const hosts: Pair[] = [];
  if (!effort.quick) {
    pairs.push(vxlanPair(sandbox, `${label}-m`, underlay, true));
    if (underlay.name !== UNDERLAY.jumbo) hosts.push(alonePair(sandbox, `${label}-h`, underlay));
  }
  for (const decap of decapsOf(effort, underlay)) {
    try {
      const made = await overlayPairs(sandbox, `${label}-${decap}`, underlay, decap);
      pairs.push(made.endpoints);
      if (hosts.length > 0) hosts.push(made.hosts);
    } catch (error) {
      if (!(error instanceof DpctlError) || !error.code.startsWith('DECAP_')) throw error;
      const what = `${dpctlName(decap)}, on the ${underlay.name} underlay`;
      skip({ what, why: error.message, hint: hintText(error.hint) });
    }
  }
  return { pairs, hosts };
}

/** Add the name of the underlay to the figures of a measure. @param whose prefix of the title */
function onUnderlay(
  { name, mtu }: Underlay,
  effort: Effort,
  measure: Measure,
  whose = '',
): Measure {
  const where = `${whose}${name} underlay, MTU ${mtu}`;
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
  const jumbo = underlay.name === UNDERLAY.jumbo;
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
    measures.push(
      pingPongMeasure(field, effort, 'udp', 'one'),
      pingPongMeasure(field, effort, 'tcp', 'one'),
      pingPongMeasure(field, effort, 'tcp', 'two'),
    );
  }
  if (tools.connect !== undefined && !quick && !jumbo) {
    measures.push(connectMeasure(field, effort, tools.connect));
  }
  return measures.map((measure) => onUnderlay(underlay, effort, measure));
}

function hostMeasures(field: Field, underlay: Underlay, effort: Effort, tools: Tools): Measure[] {
  if (!tools.iperf || field.pairs.length === 0) return [];
  return [
    bulkMeasure('host-tcp4-1', field, effort, { family: 4, streams: 1 }),
    packetMeasure('host-udp-64', field, effort, 64),
  ].map((measure) => onUnderlay(underlay, effort, measure, 'between the hosts, '));
}

async function checked(
  sandbox: Sandbox,
  pair: Pair,
  underlay: Underlay,
): Promise<Omit<Setting, 'suite'>> {
  const value = await verifyPayload(sandbox, pair);
  return { name: `payload through ${pair.name}, ${underlay.name} underlay`, value };
}

/** Two-node suite. */
export const OVERLAY: SuiteSpec = {
  name: 'overlay',
  goals: GOALS,
  seconds: { quick: 50, full: 1700 },
  async open(context) {
    const { sandbox, effort, skip } = context;
    const tools = await findTools(sandbox, skip);
    const measures: Measure[] = [];
    const settings: Omit<Setting, 'suite'>[] = [
      { name: 'congestion control', value: CONGESTION },
      { name: 'MTU of the endpoints', value: "the underlay's less 50, without an overlay too" },
    ];
    const pass = programOf(openProbe(sandbox), 'pass');
    for (const underlay of underlaysOf(effort, pass)) {
      const { pairs, hosts } = await openPairs(context, underlay);
      for (const pair of [...pairs, ...hosts]) {
        await serveAll(sandbox, pair, tools);
        settings.push(await checked(sandbox, pair, underlay));
      }
      const ours = pairs.filter(({ name }) => name.startsWith('dpctl')).map(({ name }) => name);
      const ratios = ours.flatMap((name) =>
        [KIND.bridge, KIND.none].map((to) => [name, to] as const),
      );
      measures.push(...measuresOf({ pairs, ratios }, underlay, effort, tools));
      const besides = hosts.slice(1).map(({ name }) => [name, KIND.alone] as const);
      measures.push(...hostMeasures({ pairs: hosts, ratios: besides }, underlay, effort, tools));
    }
    return { measures, settings };
  },
};
