/**
 * Deletes of more than half of the records are confirmed by a second read before they are delivered: a store
 * that was wiped, or restored from an old backup, must not empty the tables of every node.
 */
import type { Etcd } from '../client.js';
import type { Delivery } from './known-records.js';

/** When and how deletes are confirmed. */
export interface ConfirmDeletesOptions {
  /** Milliseconds until the second read. Deletes within this time count as one change. */
  readonly delay: number;
  /** Read the existing keys. If it throws, the records are kept and it is called again after the delay. */
  readonly look: () => Promise<ReadonlySet<string>>;
  /** Fewer deletes are not confirmed unless the store was reset, since they are common in a small cluster. */
  readonly least?: number;
  /** Called with the number of deletes held back, and the number of all records. */
  readonly held?: (count: number, of: number) => void;
}

const LEAST = 4;

/** Implementation of {@link ConfirmDeletesOptions.look} for a prefix. */
export function lookAt(etcd: Etcd, prefix: string): () => Promise<ReadonlySet<string>> {
  return async () => new Set((await etcd.list(prefix)).entries.map(({ key }) => key));
}

/**
 * Pass deliveries on, but hold back deletes of more than half of the records until a second read has
 * confirmed them. Writes are not delayed.
 */
export async function* confirmingDeletes(
  deliveries: AsyncGenerator<Delivery>,
  options: ConfirmDeletesOptions,
): AsyncGenerator<Delivery> {
  const { delay, look, least = LEAST, held = () => {} } = options;
  /** Keys that were delivered to the reader. */
  const told = new Set<string>();
  const doubtful = new Set<string>();
  /** Recent deletes that were delivered without confirmation. */
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
    // Do not await: the generator may wait forever for its next delivery.
    deliveries.return(undefined).catch(() => {});
  }
}

/** @returns the keys that no longer exist; undefined if the read failed */
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
