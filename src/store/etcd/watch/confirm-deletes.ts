/**
 * A change that takes more than half of the records is not believed at once: a store that was wiped, or
 * restored from an old backup, must not empty the tables of every node.
 */
import type { Etcd } from '../client.js';
import type { Delivery } from './known-records.js';

/** How doubtful changes are judged. */
export interface ConfirmDeletesOptions {
  /** Milliseconds until the second look; deletes that come closer together than that are one change. */
  readonly delay: number;
  /** Keys that are there, read again. It may throw: then they are kept, and looked for once more. */
  readonly look: () => Promise<ReadonlySet<string>>;
  /** Fewer are believed at once, unless the store was reset: in a small cluster they are everyday life. */
  readonly least?: number;
  /** Told of how many records are held back, and of how many there were. */
  readonly held?: (count: number, of: number) => void;
}

const LEAST = 4;

/** Keys below a prefix as {@link ConfirmDeletesOptions.look} wants them. */
export function lookAt(etcd: Etcd, prefix: string): () => Promise<ReadonlySet<string>> {
  return async () => new Set((await etcd.list(prefix)).entries.map(({ key }) => key));
}

/**
 * The same deliveries, but for deletes that take more than half of the records at once: those come after a
 * second look has confirmed them. What is written meanwhile passes.
 */
export async function* confirmingDeletes(
  deliveries: AsyncGenerator<Delivery>,
  options: ConfirmDeletesOptions,
): AsyncGenerator<Delivery> {
  const { delay, look, least = LEAST, held = () => {} } = options;
  /** Keys of which the reader knows. */
  const told = new Set<string>();
  const doubtful = new Set<string>();
  /** Deletes that were believed, and when. */
  let recent: { readonly at: number; readonly count: number }[] = [];
  let revision = 0;
  let due: Promise<'due'> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let next = deliveries.next();
  const wait = (): void => {
    due = new Promise((resolve) => {
      timer = setTimeout(() => resolve('due'), delay);
    });
  };
  const isTooMuch = ({ cause, deletes }: Delivery): boolean => {
    if (deletes.length === 0) return false;
    const now = performance.now();
    recent = recent.filter(({ at }) => now - at < delay);
    const before = recent.reduce((sum, { count }) => sum + count, 0);
    const gone = deletes.length + doubtful.size + before;
    return gone > (told.size + before) / 2 && (gone >= least || cause === 'reset');
  };
  try {
    for (;;) {
      const first = await (due === undefined ? next : Promise.race([next, due]));
      if (first === 'due') {
        const gone = await confirmed(doubtful, look);
        if (gone === undefined) {
          wait();
          continue;
        }
        due = undefined;
        doubtful.clear();
        for (const key of gone) told.delete(key);
        if (gone.length > 0) yield { cause: 'looked', revision, puts: [], deletes: gone };
        continue;
      }
      if (first.done === true) return;
      const delivery = first.value;
      next = deliveries.next();
      revision = delivery.revision;
      for (const { key } of delivery.puts) doubtful.delete(key);
      const deletes = delivery.deletes.filter((key) => told.has(key));
      if (isTooMuch({ ...delivery, deletes })) {
        for (const key of deletes) doubtful.add(key);
        held(doubtful.size, told.size);
        if (due === undefined) wait();
      } else {
        for (const key of deletes) told.delete(key);
        if (deletes.length > 0) recent.push({ at: performance.now(), count: deletes.length });
      }
      for (const { key } of delivery.puts) told.add(key);
      yield { ...delivery, deletes: deletes.filter((key) => !doubtful.has(key)) };
    }
  } finally {
    clearTimeout(timer);
    // It waits for what comes next, which may be never.
    deliveries.return(undefined).catch(() => {});
  }
}

/** @returns those that are gone; undefined where nobody can tell */
async function confirmed(
  keys: ReadonlySet<string>,
  look: ConfirmDeletesOptions['look'],
): Promise<string[] | undefined> {
  try {
    const present = await look();
    return [...keys].filter((key) => !present.has(key));
  } catch {
    return undefined;
  }
}
