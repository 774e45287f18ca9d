/** Control plane suite: filling and dumping tables, attaching and detaching endpoints. */

import type { Goal } from '../measure/goals.js';
import { attachMeasures } from './control-attach.js';
import { dumpMeasures } from './control-dump.js';
import { fillMeasures } from './control-fill.js';
import { optional, type SuiteSpec } from './suite.js';

const GOALS: readonly Goal[] = [
  { figure: 'fdb-fill', of: 'dpctl', to: 'C', kind: 'most', bound: 1.2 },
  { figure: 'fdb-dump-time', of: 'dpctl', kind: 'most', bound: 3 },
  { figure: 'fdb-dump-memory', of: 'dpctl', kind: 'most', bound: 500 },
  // For an idle core, on which an empty program takes 25 ms. A busy core slows both, so both are measured.
  { figure: 'dump-start', of: 'dpctl dump', kind: 'most', bound: 60 },
  { figure: 'dump-start', of: 'dpctl dump', to: 'empty program', kind: 'most', bound: 2.4 },
  {
    figure: 'attach-own-p50',
    of: 'dpctl command',
    to: 'CNI bridge plugin',
    kind: 'most',
    bound: 0.5,
  },
  {
    figure: 'attach-p50',
    of: 'dpctl command',
    to: 'CNI bridge plugin',
    kind: 'most',
    bound: 2.5,
  },
].map((goal) => ({ suite: 'control', ...goal }) as Goal);

/** Control plane suite. */
export const CONTROL: SuiteSpec = {
  name: 'control',
  goals: GOALS,
  seconds: { quick: 28, full: 190 },
  async open({ sandbox, effort, program, skip }) {
    const measures = await optional(skip, 'fill against C', () => fillMeasures(sandbox, effort));
    const attached = await attachMeasures(sandbox, effort, program);
    if (!attached.hasCni) {
      skip({
        what: 'the CNI bridge plugin',
        why: 'it is not installed',
        hint: 'apt-get install containernetworking-plugins',
      });
    }
    return {
      measures: [
        ...measures,
        ...(await dumpMeasures(sandbox, effort, program)),
        ...attached.measures,
      ],
      settings: [],
    };
  },
};
