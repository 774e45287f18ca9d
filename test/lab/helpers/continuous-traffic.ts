/** Traffic that is observed while its path is changed. */
import type { ExecutionContext } from 'ava';
import { start } from '../../system/helpers/process.js';

/** Pings that go on until they are stopped. */
export interface Watch {
  /** The longest time without an answer so far, in ms, including the present gap. */
  longestGap(): number;
  /** Answers so far. */
  answers(): number;
  stop(): Promise<void>;
}

/** Milliseconds between two pings. */
const PAUSE = 20;

/** Ping continuously from a namespace. */
export function watch(t: ExecutionContext, ns: string, address: string): Watch {
  const argv = ['ping', '-D', '-i', String(PAUSE / 1000), '-W', '1', address];
  const began = Date.now();
  const running = start(t, ns, argv);
  const times = (): number[] =>
    [...running.output().stdout.matchAll(/^\[([\d.]+)\] \d+ bytes from .*icmp_seq/gm)].map(
      ([, seconds]) => Number(seconds) * 1000,
    );
  return {
    longestGap() {
      const marks = [began, ...times(), Date.now()];
      return Math.max(...marks.slice(1).map((time, i) => time - (marks[i] ?? time)));
    },
    answers: () => times().length,
    async stop() {
      await running.stop('SIGINT');
    },
  };
}
