/** One-node suite: traffic between two namespaces. */
import type { Goal } from '../measure/goals.js';
import { CONGESTION } from '../measure/iperf.js';
import type { Measure } from '../measure/measure.js';
import { CLIENT_CPU, SERVER_CPU } from '../measure/process.js';
import { bigName, bridgePair, dpctlPair, NAME, vethPair } from '../subjects/same-node.js';
import { offloadsOf, verifyPayload } from '../subjects/verify.js';
import type { SuiteSpec } from './suite.js';
import {
  bulkMeasure,
  connectMeasure,
  type Field,
  findTools,
  packetMeasure,
  pingPongMeasure,
  serveAll,
} from './traffic.js';

const MTU = 1500;
/** Bytes per write. The default of iperf3, 128 KiB, limits segments below the BIG TCP maximum. */
const BIG_WRITE = 1_048_576;
const BULKS = [4, 6].flatMap((family) =>
  [1, 4].flatMap((streams) =>
    [false, true].map((reverse) => ({ family: family as 4 | 6, streams, reverse })),
  ),
);
/** Bulk transfers of a quick run. */
const QUICK = new Set(['tcp4-1', 'tcp4-4']);
const idOf = ({ family, streams, reverse }: (typeof BULKS)[number]): string =>
  `tcp${family}-${streams}${reverse ? '-back' : ''}`;

const { veth, bridge, dpctl } = NAME;
/** Goals of dpctl relative to the bridge and to the veth pair. */
const TO_BRIDGE: readonly Omit<Goal, 'suite' | 'of'>[] = [
  { figure: 'udp-64-carried', to: bridge, kind: 'least', bound: 1.3 },
  { figure: 'udp-64-carried', to: veth, kind: 'least', bound: 0.98 },
  // 1.1 times the rate is 1 / 1.1 of the time.
  ...(['udp-pp-p50', 'udp-pp-one-cpu-p50'] as const).flatMap((figure) => [
    { figure, to: bridge, kind: 'most' as const, bound: 0.91 },
    { figure, to: veth, kind: 'most' as const, bound: 1.02 },
  ]),
  { figure: 'connect', to: bridge, kind: 'least', bound: 1.1 },
  { figure: 'connect', to: veth, kind: 'least', bound: 0.98 },
  { figure: 'udp-64-cpu', to: bridge, kind: 'most', bound: 0.8 },
  { figure: 'udp-64-cpu', to: veth, kind: 'most', bound: 1.02 },
];
const GOALS: readonly Goal[] = [
  ...TO_BRIDGE.map((goal) => ({ suite: 'same-node' as const, of: dpctl, ...goal })),
  ...BULKS.map((what) => ({
    ...{ suite: 'same-node', figure: `${idOf(what)}-rate`, of: dpctl, to: bridge },
    ...{ kind: 'least', bound: 1 },
  })),
  ...[4, 6].flatMap((family) => [
    {
      ...{ suite: 'same-node', figure: `big${family}-1-rate`, of: bigName(dpctl), to: bridge },
      ...{ kind: 'least', bound: 2 },
    },
    {
      ...{ suite: 'same-node', figure: `big${family}-1-rate`, of: bigName(dpctl) },
      ...{ to: bigName(bridge), kind: 'least', bound: 1 },
    },
  ]),
] as const as readonly Goal[];

/** One-node suite. */
export const SAME_NODE: SuiteSpec = {
  name: 'same-node',
  goals: GOALS,
  seconds: { quick: 70, full: 780 },
  async open({ sandbox, effort, skip }) {
    const plain = { mtu: MTU };
    const big = { mtu: MTU, bigTcp: true };
    const normal = [
      vethPair(sandbox, '-v', plain),
      bridgePair(sandbox, '-r', plain),
      await dpctlPair(sandbox, '-d', plain),
    ];
    const raised = [
      ...(effort.quick ? [] : [vethPair(sandbox, '-vb', big)]),
      bridgePair(sandbox, '-rb', big),
      await dpctlPair(sandbox, '-db', big),
    ];
    const tools = await findTools(sandbox, skip);
    const settings = [
      { name: 'MTU', value: String(MTU) },
      { name: 'congestion control', value: CONGESTION },
      { name: 'bytes of a write, BIG TCP', value: String(BIG_WRITE) },
      { name: 'CPUs of client and server', value: `${CLIENT_CPU}, ${SERVER_CPU}` },
    ];
    for (const pair of [...normal, ...raised]) {
      await serveAll(sandbox, pair, tools);
      settings.push(
        { name: `payload through ${pair.name}`, value: await verifyPayload(sandbox, pair) },
        { name: `offloads of ${pair.name}`, value: offloadsOf(pair) },
      );
    }
    const field: Field = {
      pairs: normal,
      ratios: [
        [dpctl, bridge],
        [dpctl, veth],
      ],
    };
    const bigField: Field = {
      // Compare with the pairs without BIG TCP as well, to show the gain of the flag.
      pairs: [...normal.slice(1), ...raised],
      ratios: [
        [bigName(dpctl), dpctl],
        [bigName(dpctl), bridge],
        [bigName(bridge), bridge],
        [bigName(dpctl), bigName(bridge)],
        [bigName(dpctl), bigName(veth)],
      ],
    };
    const measures: Measure[] = [];
    if (tools.iperf) {
      const bulks = BULKS.filter((what) => !effort.quick || QUICK.has(idOf(what)));
      measures.push(...bulks.map((what) => bulkMeasure(idOf(what), field, effort, what)));
      for (const family of effort.quick ? ([4] as const) : ([4, 6] as const)) {
        const what = { family, streams: 1, write: BIG_WRITE };
        const measure = bulkMeasure(`big${family}-1`, bigField, effort, what);
        measures.push({ ...measure, title: `${measure.title}, BIG TCP` });
      }
      measures.push(packetMeasure('udp-64', field, effort, 64));
      if (!effort.quick) measures.push(packetMeasure('udp-1400', field, effort, 1400));
    }
    if (tools.sockperf) {
      const transports = effort.quick ? (['udp'] as const) : (['udp', 'tcp'] as const);
      for (const transport of transports) {
        measures.push(pingPongMeasure(field, effort, transport, 'one'));
        if (!effort.quick) measures.push(pingPongMeasure(field, effort, transport, 'two'));
      }
    }
    if (tools.connect !== undefined) measures.push(connectMeasure(field, effort, tools.connect));
    return { measures, settings };
  },
};
