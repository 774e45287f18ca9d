/**
 * One thing at a time on a node's value in this process. The lock of a node keeps other processes out; this
 * keeps the requests of the API and the agent's own passes apart, in the order in which they came.
 */

/** Who waits for whom. */
export interface Turn {
  /**
   * Run a section when all that were asked for before it are done, whatever became of them.
   * @param signal where it is aborted before the section has begun, the section is never run
   * @throws what the section throws; the signal's reason
   */
  take<T>(section: () => T | Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Sections that run or wait. */
  readonly length: number;
}

/** A turn that nobody has. */
export function newTurn(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  let length = 0;
  return {
    take<T>(section: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
      length++;
      const mine = last.then(async () => {
        signal?.throwIfAborted();
        return section();
      });
      // Who comes next waits for the end alone: the error is its owner's.
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
