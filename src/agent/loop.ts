/**
 * When the agent looks. Requested tasks run one at a time; a request for a task that waits or runs leads to
 * one more run. A failed task is retried, with growing delays; other tasks do not wait for it.
 */

/** The result of a run: nothing to do, something done, or something that failed. */
export type Found = 'nothing' | 'changed' | 'failed';

/** A task that the agent repeats. */
export interface Task {
  readonly name: string;
  /** Does not throw. */
  run(): Promise<Found>;
  /**
   * Milliseconds until the task may run again, by itself or after events.
   * @param streak number of runs in a row, including this one, that ended the same way
   */
  rest(found: Found, streak: number, took: number): number;
}

/** Schedules the tasks. */
export interface Loop {
  /** Run a task within this many milliseconds, unless it rests. An earlier request stays in force. */
  ask(name: string, delay?: number): void;
  /** Run it now, even if it rests. */
  insist(name: string): void;
  /** Milliseconds since the present run began; 0 if none runs. */
  busyFor(): number;
  /** Run nothing more; settles when the present run has ended. */
  stop(): Promise<void>;
}

interface Entry {
  readonly task: Task;
  due: number;
  notBefore: number;
  last: Found;
  streak: number;
}

/** Maximum delay of Node's timers. */
const LONGEST = 2 ** 31 - 1;

/** Start without requests. Among tasks that are due, the first of the list runs first. */
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

/** Vary a time by up to a quarter, so that many nodes do not act at the same moment. */
export function jittered(milliseconds: number, random: () => number = Math.random): number {
  return milliseconds * (0.75 + random() / 2);
}

/** Milliseconds until a retry after this many failures: doubled each time, up to a limit, with jitter. */
export function backOff(streak: number, first: number, most: number): number {
  return jittered(Math.min(most, first * 2 ** Math.min(streak - 1, 30)));
}
