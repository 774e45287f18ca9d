/** Performance goals of the project, and whether a run reaches them. */

import type { FigureResult, GoalResult, Suite } from '../../api/bench.js';
import { reached } from './method.js';

/** A bound on a figure of a subject, or on its ratio to another subject. */
export interface Goal {
  readonly suite: Suite;
  readonly figure: string;
  readonly of: string;
  /** Reference subject of the ratio; if not set, the bound is on the figure itself. */
  readonly to?: string;
  readonly kind: 'least' | 'most';
  readonly bound: number;
}

/** Evaluate the goals. Goals whose figure was not measured are omitted. */
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
