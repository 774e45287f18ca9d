/** Program suite: test runs of the BPF programs without traffic, and flooding with traffic. */

import type { Goal } from '../measure/goals.js';
import { openPorts, openProbe } from '../subjects/program-rig.js';
import { FDB, fdbMeasure, PATH, pathMeasure, sizeMeasure } from './program-cost.js';
import { floodMeasures } from './program-flood.js';
import { prefixMeasure } from './program-prefix.js';
import { optional, type SuiteSpec } from './suite.js';

const GOALS: readonly Omit<Goal, 'suite'>[] = [
  { figure: 'path-cost', of: PATH.ip4, kind: 'most', bound: 60 },
  { figure: 'path-cost', of: PATH.ip6, kind: 'most', bound: 60 },
  { figure: 'fdb-run', of: FDB.hot, to: FDB.few, kind: 'most', bound: 1.2 },
];

/** Program suite. */
export const PROGRAM: SuiteSpec = {
  name: 'program',
  goals: GOALS.map((goal) => ({ suite: 'program', ...goal })),
  seconds: { quick: 13, full: 110 },
  async open({ sandbox, effort, skip }) {
    const ports = openPorts(sandbox);
    const probe = openProbe(sandbox);
    return {
      measures: [
        sizeMeasure(),
        pathMeasure(sandbox, effort, ports, probe),
        fdbMeasure(sandbox, effort, ports, probe),
        prefixMeasure(sandbox, effort, ports, probe),
        ...(await optional(skip, 'flooding against the bridge', () =>
          floodMeasures(sandbox, effort),
        )),
      ],
      settings: [],
    };
  },
};
