/** Rows of the tables of `bench`. Its JSON is one document: docs/bench.schema.json. */
import { digits } from '../../bench/report/format.js';
import { schemaOf } from './schema.js';

/** One subject's figure, once for each subject that it is compared with. */
export interface FigureRow {
  readonly figure: string;
  readonly subject: string;
  readonly median: number;
  readonly unit: string;
  /** In percent. */
  readonly spread: string;
  readonly against?: string;
  readonly ratio?: number;
  /** LOW-HIGH. */
  readonly interval?: string;
  readonly says?: string;
}

/** A goal, and the run's verdict on it. */
export interface GoalRow {
  readonly reached: string;
  readonly goal: string;
  readonly found: number;
  /** LOW-HIGH. */
  readonly interval: string;
}

/** A figure that moved. */
export interface MoveRow {
  readonly says: string;
  readonly figure: string;
  readonly subject: string;
  readonly against: string;
  readonly before: number;
  readonly after: number;
  readonly unit: string;
}

/** One subject's figure, and its relation to others. */
export const FIGURE = schemaOf<FigureRow>()({
  name: 'bench figure',
  nameKey: 'figure',
  columns: [
    { key: 'figure', type: 'text', doc: 'what was measured, as a stable word' },
    { key: 'subject', type: 'text', doc: 'who was measured' },
    { key: 'median', type: 'number', show: digits, doc: 'the rounds in the middle' },
    { key: 'unit', type: 'text', doc: 'unit of the median' },
    { key: 'spread', type: 'text', doc: 'half the distance of the quartiles, of the median' },
    { key: 'against', type: 'text', doc: 'who it is put in relation to, round by round' },
    { key: 'ratio', type: 'number', show: digits, doc: 'median of the ratios of the rounds' },
    { key: 'interval', type: 'text', doc: 'what the ratio may be, 95 times of 100' },
    { key: 'says', type: 'text', doc: 'better, worse, or no difference found' },
  ],
});

/** A goal, and the run's verdict on it. */
export const GOAL = schemaOf<GoalRow>()({
  name: 'bench goal',
  nameKey: 'goal',
  columns: [
    { key: 'reached', type: 'text', doc: 'yes, no, or unsure: the interval holds the bound' },
    { key: 'goal', type: 'text', doc: 'what is promised' },
    { key: 'found', type: 'number', show: digits, doc: 'what was found' },
    { key: 'interval', type: 'text', doc: 'what it may be, 95 times of 100' },
  ],
});

/** A figure that moved between two runs. */
export const MOVE = schemaOf<MoveRow>()({
  name: 'bench move',
  nameKey: 'figure',
  columns: [
    { key: 'says', type: 'text', doc: 'better or worse' },
    { key: 'figure', type: 'text', doc: 'what was measured' },
    { key: 'subject', type: 'text', doc: 'who was measured' },
    { key: 'against', type: 'text', doc: 'who it is put in relation to, or empty' },
    { key: 'before', type: 'number', show: digits, doc: 'what it was' },
    { key: 'after', type: 'number', show: digits, doc: 'what it is' },
    { key: 'unit', type: 'text', doc: 'unit of both; x is a ratio' },
  ],
});
