/** One measure, carried out: every subject in every round, in an order that turns. */

import type { Failure, FigureResult, Suite } from '../../api/bench.js';
import { concludeFigure } from '../report/conclude.js';
import type { Effort, Measure } from './measure.js';
import { rotated } from './method.js';

/** Who wants to know how far it is. */
export interface Progress {
  /** Before each sample. @param seconds that are left, about */
  step(title: string, seconds: number): void;
  /** After each measure. */
  figure(figure: FigureResult): void;
  /** What is worth a line: something is left out, something failed. */
  note(text: string): void;
}

/** What came of a measure. */
export interface MeasureResult {
  readonly figures: readonly FigureResult[];
  readonly failures: readonly Failure[];
}

/** Failures of a subject after which it is not asked again. */
const PATIENCE = 2;

/** How many samples a measure takes. */
export function sampleCount({ subjects, rounds, warmUp }: Measure, effort: Effort): number {
  return subjects.length * ((rounds ?? effort.rounds) + (warmsUp(warmUp, effort) ? 1 : 0));
}

/** A quick run has no time to warm up; its first round is as cold as any. */
function warmsUp(wanted: boolean | undefined, { quick }: Effort): boolean {
  return wanted ?? !quick;
}

/**
 * Carry a measure out. A sample that fails is a hole in its subject's row, not the end.
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
