/** Goals of the two-node suite. */
import type { Goal } from '../measure/goals.js';
import { besideName, type Decap, dpctlName, KIND } from '../subjects/overlay.js';

/** Names of the underlays, which are the prefixes of figure ids. */
export const UNDERLAY = {
  gso: 'gso',
  wire: 'wire',
  /** Native XDP on all paths, as with a NIC. */
  native: 'xdp',
  jumbo: 'jumbo',
} as const;

interface Promised {
  readonly underlay: string;
  readonly figure: string;
  readonly decap: Decap;
  readonly to: string;
  readonly least: number;
}

/** dpctl must not slow down traffic between the hosts. */
const beside = (underlay: string, decap: Decap): Goal[] =>
  ['host-tcp4-1-rate', 'host-udp-64-carried'].map((figure) => ({
    suite: 'overlay',
    figure: `${underlay}-${figure}`,
    ...{ of: besideName(decap), to: KIND.alone },
    ...{ kind: 'least', bound: 0.97 },
  }));

const promise = (
  underlay: string,
  decap: Decap,
  bounds: Readonly<Record<string, number>>,
): Promised[] =>
  Object.entries(bounds).flatMap(([figure, least]) => [
    { underlay, figure, decap, to: KIND.bridge, least },
    { underlay, figure, decap, to: KIND.none, least: 1 },
  ]);

/** Goals of dpctl. Bounds of times are given as rates: 1.2 times the rate is 1 / 1.2 of the time. */
const PROMISES: readonly Goal[] = [
  ...promise(UNDERLAY.gso, 'tc', {
    'udp-64-carried': 1.9,
    'tcp-pp-p50': 1.2,
    'tcp-pp-one-cpu-p50': 1.2,
    'tcp4-1-rate': 1.1,
    'tcp4-4-rate': 1.1,
  }),
  ...promise(UNDERLAY.wire, 'tc-gro', {
    'udp-64-carried': 1.7,
    'tcp4-1-rate': 1.1,
    'tcp4-4-rate': 1.15,
  }),
  ...promise(UNDERLAY.jumbo, 'xdp', { 'tcp4-1-rate': 1.3 }),
  ...promise(UNDERLAY.native, 'xdp', {
    'udp-64-carried': 1.9,
    'tcp4-1-rate': 1.2,
    'tcp4-4-rate': 1.35,
  }),
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

/** Goals of the endpoints and of the hosts. */
export const GOALS: readonly Goal[] = [
  ...PROMISES,
  ...beside(UNDERLAY.gso, 'tc'),
  ...beside(UNDERLAY.wire, 'tc-gro'),
  ...beside(UNDERLAY.native, 'xdp'),
];
