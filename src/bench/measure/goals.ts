/** What the project promises, and whether a run bears it out. */

import type { FigureResult, GoalResult, Suite } from '../../api/bench.js';
import { reached } from './method.js';

/** A promise about a figure: of one subject, or of one in relation to another. */
export interface Goal {
  readonly suite: Suite;
  readonly figure: string;
  readonly of: string;
  /** The subject that the figure is put in relation to; without one, the figure itself counts. */
  readonly to?: string;
  readonly kind: 'least' | 'most';
  readonly bound: number;
}

/** What each goal came to; goals whose figure was not measured are left out. */
export function judge(goals: readonly Goal[], figures: readonly FigureResult[]): GoalResult[] {
  return goals.flatMap((goal) => {
    const figure = figures.find(({ suite, id }) => suite === goal.suite && id === goal.figure);
    const found = figure && figureOf(goal, figure);
    if (figure === undefined || found === undefined) return [];
    return [
      {
        text: textOf(goal, figure),
        figure: figure.id,
        ...found,
        reached: reached(found, goal.kind, goal.bound),
      },
    ];
  });
}

function figureOf({ of, to }: Goal, { subjects, ratios }: FigureResult) {
  if (to === undefined) {
    const subject = subjects.find(({ name }) => name === of);
    return subject && { value: subject.median, low: subject.low, high: subject.high };
  }
  const ratio = ratios.find((each) => each.of === of && each.to === to);
  return ratio && { value: ratio.ratio, low: ratio.low, high: ratio.high };
}

function textOf({ of, to, kind, bound }: Goal, { title, unit }: FigureResult): string {
  const amount = to === undefined ? `${bound} ${unit}`.trim() : `${bound}x of ${to}`;
  return `${of}: ${title} at ${kind} ${amount}`;
}
