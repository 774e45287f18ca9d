/**
 * When the agent looks: tasks are asked for, run one at a time, and what is asked for while it waits or
 * runs is one run more. A task that fails is tried again, later each time; no other waits for that.
 */

/** What a run has found: nothing to do, something that it has done, or something that it could not do. */
export type Found = 'nothing' | 'changed' | 'failed';

/** Something that the agent does again and again. */
export interface Task {
  readonly name: string;
  /** Does not throw. */
  run(): Promise<Found>;
  /**
   * Milliseconds until the task may run again by itself or by events.
   * @param streak runs in a row, with this one, that ended the same way
   */
  rest(found: Found, streak: number, took: number): number;
}

/** The tasks' clock. */
export interface Loop {
  /** Run a task within so many milliseconds, unless it rests. Asked for already, it stays the earlier one. */
  ask(name: string, delay?: number): void;
  /** Run it now, though it rests. */
  insist(name: string): void;
  /** Milliseconds for which a run goes on by now; 0 where none does. */
  busyFor(): number;
  /** Run nothing more; settles when the run that goes on has ended. */
  stop(): Promise<void>;
}

interface Entry {
  readonly task: Task;
  due: number;
  notBefore: number;
  last: Found;
  streak: number;
}

/** Node's timers cannot wait longer. */
const LONGEST = 2 ** 31 - 1;

/** Start with nothing asked for. Of tasks that are due, the first of the list runs first. */
export function startLoop(tasks: readonly Task[]): Loop {
  const entries = tasks.map(
    (task): Entry => ({ task, due: Infinity, notBefore: 0, last: 'nothing', streak: 0 }),
  );
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let since = 0;
  let stopped = false;

  const entryOf = (name: string): Entry => {
    const entry = entries.find(({ task }) => task.name === name);
    if (entry === undefined) throw new TypeError(`the agent has no task ${name}`);
    return entry;
  };
  const at = ({ due, notBefore }: Entry): number => Math.max(due, notBefore);
  const schedule = (): void => {
    clearTimeout(timer);
    if (stopped || running !== undefined) return;
    const next = Math.min(...entries.map(at));
    if (next === Infinity) return;
    timer = setTimeout(turn, Math.min(LONGEST, Math.max(0, next - performance.now())));
  };
  const turn = (): void => {
    if (stopped || running !== undefined) return;
    const now = performance.now();
    const entry = entries.find((each) => at(each) <= now);
    if (entry === undefined) {
      schedule();
      return;
    }
    entry.due = Infinity;
    since = now;
    running = runOne(entry).finally(() => {
      running = undefined;
      schedule();
    });
  };
  const runOne = async (entry: Entry): Promise<void> => {
    const begin = performance.now();
    const found = await entry.task.run();
    const end = performance.now();
    entry.streak = found === entry.last ? entry.streak + 1 : 1;
    entry.last = found;
    entry.notBefore = end + entry.task.rest(found, entry.streak, end - begin);
    if (found === 'failed') entry.due = Math.min(entry.due, entry.notBefore);
  };
  return {
    ask(name, delay = 0) {
      const entry = entryOf(name);
      entry.due = Math.min(entry.due, performance.now() + delay);
      schedule();
    },
    insist(name) {
      const entry = entryOf(name);
      entry.due = 0;
      entry.notBefore = 0;
      entry.streak = 0;
      schedule();
    },
    busyFor: () => (running === undefined ? 0 : performance.now() - since),
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** Times that differ by a quarter: what many nodes do must not fall into one moment. */
export function jittered(milliseconds: number, random: () => number = Math.random): number {
  return milliseconds * (0.75 + random() / 2);
}

/** Milliseconds before a try after so many failures: doubled each time, up to a bound, with jitter. */
export function backOff(streak: number, first: number, most: number): number {
  return jittered(Math.min(most, first * 2 ** Math.min(streak - 1, 30)));
}
