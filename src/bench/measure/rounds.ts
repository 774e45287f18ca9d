/** Takes the samples of a measure: every subject in every round, in rotating order. */

import type { Failure, FigureResult, Suite } from '../../api/bench.js';
import { concludeFigure } from '../report/conclude.js';
import type { Effort, Measure } from './measure.js';
import { rotated } from './method.js';

/** Callbacks for progress output. */
export interface Progress {
  /** Called before each sample. @param seconds remaining, approximately */
  step(title: string, seconds: number): void;
  /** Called after each measure. */
  figure(figure: FigureResult): void;
  /** Called with a message: a skipped measurement, a failed sample. */
  note(text: string): void;
}

/** Results of a measure. */
export interface MeasureResult {
  readonly figures: readonly FigureResult[];
  readonly failures: readonly Failure[];
}

/** Number of failures after which a subject is skipped. */
const PATIENCE = 2;

/** Number of samples of a measure. */
export function sampleCount({ subjects, rounds, warmUp }: Measure, effort: Effort): number {
  return subjects.length * ((rounds ?? effort.rounds) + (warmsUp(warmUp, effort) ? 1 : 0));
}

/** Whether there is a warm-up. A quick run has no time for one. */
function warmsUp(wanted: boolean | undefined, { quick }: Effort): boolean {
  return wanted ?? !quick;
}

/**
 * Take all samples of a measure. A failed sample is recorded as missing and does not end the measure.
 * @param onSample called before each sample
 */
export async function carryOut(
  suite: Suite,
  measure: Measure,
  effort: Effort,
  onSample: () => void,
): Promise<MeasureResult> {
  const { title, subjects, figures, pairs } = measure;
  const rounds = measure.rounds ?? effort.rounds;
  const samples = new Map(
    figures.map(({ id }) => [
      id,
      new Map(subjects.map(({ name }) => [name, [] as (number | undefined)[]])),
    ]),
  );
  const failures: Failure[] = [];
  const failed = new Map<string, number>();
  for (let round = warmsUp(measure.warmUp, effort) ? -1 : 0; round < rounds; round++) {
    for (const { name, sample } of rotated(subjects, Math.max(round, 0))) {
      onSample();
      let readings: Readonly<Record<string, number>> = {};
      try {
        if ((failed.get(name) ?? 0) < PATIENCE) readings = await sample();
      } catch (error) {
        failed.set(name, (failed.get(name) ?? 0) + 1);
        const message = error instanceof Error ? error.message : String(error);
        failures.push({ suite, what: title, subject: name, message });
      }
      if (round < 0) continue;
      for (const { id } of figures) {
        const value = readings[id];
        samples
          .get(id)
          ?.get(name)
          ?.push(Number.isFinite(value) ? value : undefined);
      }
    }
  }
  const results = figures.map((spec) =>
    concludeFigure(suite, spec, samples.get(spec.id) ?? new Map(), pairs),
  );
  const empty = results.find(({ subjects: found }) => found.length === 0);
  if (empty !== undefined && failures.length === 0) {
    throw new TypeError(`${title}: no subject says anything about ${empty.id}`);
  }
  return { figures: results.filter(({ subjects: found }) => found.length > 0), failures };
}
