/**
 * One action at a time on a node's value in this process. The node's lock excludes other processes; this
 * serializes the requests of the API and the agent's own looks, in the order in which they came.
 */

/** A queue of sections. */
export interface ActionQueue {
  /**
   * Run a section when all earlier ones are done, whatever their results.
   * @param signal if it is aborted before the section begins, the section never runs
   * @throws what the section throws; the signal's reason
   */
  run<T>(section: () => T | Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Number of sections that run or wait. */
  readonly length: number;
}

/** An empty queue. */
export function newActionQueue(): ActionQueue {
  let last: Promise<unknown> = Promise.resolve();
  let length = 0;
  return {
    run<T>(section: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
      length++;
      const mine = last.then(async () => {
        signal?.throwIfAborted();
        return section();
      });
      // The next section only waits for the end: its caller handles the error.
      last = mine.then(leave, leave);
      return mine;
    },
    get length() {
      return length;
    },
  };

  function leave(): void {
    length--;
  }
}
