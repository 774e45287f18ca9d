/**
 * Progress of a long command, on stderr: a changing line on a terminal, otherwise one line for each figure.
 */

import { isatty } from 'node:tty';
import type { FigureResult } from '../api/bench.js';
import type { Progress } from '../bench/measure/rounds.js';
import { digits } from '../bench/report/format.js';
import { printable, writeStderr } from './output.js';

/** Return to the line's start, and clear it. */
const CLEAR = '\r\u001b[2K';

/** Visible progress; end it before anything else is written. */
export interface ShownProgress extends Progress {
  end(): void;
}

/** @param animated whether stderr is a terminal; detected by default */
export function showProgress(animated = isatty(2)): ShownProgress {
  let shown = '';
  const clear = (): void => {
    if (shown !== '') writeStderr(CLEAR);
    shown = '';
  };
  const line = (text: string): void => {
    const before = shown;
    clear();
    writeStderr(`${printable(text)}\n`);
    if (before !== '') writeStderr(before);
    shown = before;
  };
  // The message about an interrupt goes on a line of its own.
  process.on('SIGINT', clear);
  return {
    step(title, seconds) {
      if (!animated) return;
      clear();
      shown = printable(`${title} (${timeLeft(seconds)} left)`);
      writeStderr(shown);
    },
    figure(figure) {
      if (!animated) line(figureLine(figure));
    },
    note: (text) => line(`note: ${text}`),
    end() {
      clear();
      process.off('SIGINT', clear);
    },
  };
}

/** `2:05`, or `45 s` for less than a minute. */
function timeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** `same-node connect: dpctl 15810 1/s; Linux bridge 14000 1/s`. */
function figureLine({ suite, id, unit, subjects, ratios }: FigureResult): string {
  const all = subjects.map(({ name, median }) => `${name} ${digits(median)} ${unit}`.trim());
  const against = ratios.map(({ of, to, ratio }) => `${of}/${to} ${digits(ratio)}`);
  return `${suite} ${id}: ${[...all, ...against].join('; ')}`;
}
