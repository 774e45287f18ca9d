/** Results of invented runs. */

import type { BenchResult, Better, FigureResult } from '../../src/api/bench.js';
import { concludeFigure } from '../../src/bench/report/conclude.js';

/** A figure with a few rounds. */
export function figureOf(
  samples: Readonly<Record<string, readonly (number | undefined)[]>>,
  pairs: readonly (readonly [string, string])[] = [],
  more: { readonly id?: string; readonly better?: Better; readonly title?: string } = {},
): FigureResult {
  const spec = { id: 'speed', title: 'speed', unit: 'Gb/s', better: 'higher' as Better, ...more };
  return concludeFigure('same-node', spec, new Map(Object.entries(samples)), pairs);
}

/** A run with these figures. */
export function runOf(
  figures: readonly FigureResult[],
  more: Partial<BenchResult> = {},
): BenchResult {
  return {
    format: 1,
    dpctl: '0.1.0',
    started: '2026-01-02T03:04:05.000Z',
    seconds: 170,
    quick: true,
    machine: {
      kernel: '6.18.1',
      cpu: 'some CPU',
      cpus: 2,
      memory: 8000,
      virtual: true,
      mitigations: 'default',
      node: 'v20.20.0',
    },
    noise: {
      before: { load: 0.5, busy: 0.02, stolen: 0 },
      after: { load: 1.5, busy: 0.3, stolen: 0.01 },
    },
    settings: [{ suite: 'same-node', name: 'MTU', value: '1500' }],
    figures,
    goals: [],
    skipped: [],
    failures: [],
    ...more,
  };
}
