/** Runs several jobs side by side, and some alone, and keeps the output of each together. */

type Print = (line: string) => void;

/** A job. */
export interface Job<T> {
  /** Its output goes line by line to the given function. */
  readonly run: (print: Print) => Promise<T>;
  /** It measures time: nothing else may run at the same time. */
  readonly quiet: boolean;
  /** It runs from the start, beside the lanes: it only takes what time they leave. */
  readonly beside?: boolean;
}

/**
 * Run all jobs, those that measure time last and one by one.
 * @param jobs in the order in which they start
 * @param lanes how many run at a time, without those beside them; with one lane nothing runs beside it
 * @param print receives lines: of the job that started first at once, of the others when all jobs before
 * them have ended, of a job beside the lanes when it has ended
 * @returns the results, in the order of the jobs
 */
export async function runInLanes<T>(
  jobs: readonly Job<T>[],
  lanes: number,
  print: Print,
): Promise<T[]> {
  const results = new Map<Job<T>, T>();
  const open = blocks(print);
  const work = async (waiting: Job<T>[]): Promise<void> => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const block = open();
      try {
        results.set(job, await job.run(block.print));
      } finally {
        block.close();
      }
    }
  };
  const workBeside = async (job: Job<T>): Promise<void> => {
    const lines: string[] = [];
    try {
      results.set(job, await job.run((line) => lines.push(line)));
    } finally {
      const block = open();
      for (const line of lines) block.print(line);
      block.close();
    }
  };
  const beside = jobs.filter((job) => job.beside && lanes > 1);
  const rest = jobs.filter((job) => !beside.includes(job));
  const loud = rest.filter(({ quiet }) => !quiet);
  await Promise.all([
    ...beside.map(workBeside),
    ...Array.from({ length: lanes }, () => work(loud)),
  ]);
  await work(rest.filter(({ quiet }) => quiet));
  return jobs.map((job) => results.get(job) as T);
}

interface Block {
  held: string[];
  closed: boolean;
}

/** The first open block writes through; the output of the others waits. */
function blocks(print: Print): () => { readonly print: Print; readonly close: () => void } {
  const queue: Block[] = [];
  const flush = (): void => {
    for (const line of queue[0]?.held.splice(0) ?? []) print(line);
  };
  return () => {
    const block: Block = { held: [], closed: false };
    queue.push(block);
    return {
      print: (line) => {
        block.held.push(line);
        flush();
      },
      close: () => {
        block.closed = true;
        while (queue[0]?.closed) {
          flush();
          queue.shift();
        }
        flush();
      },
    };
  };
}
