/** Which nodes are lost, and since when: their lease has ended. */
import { decode, KEYS, PREFIXES, SCHEMAS } from '../../store/etcd/records/schema.js';
import type { Delivery } from '../../store/etcd/watch/known-records.js';

/** Nodes with a lease that they do not keep. */
export interface LostNodes {
  /** Take over changes of records of nodes, or of keys that say that one is alive. */
  deliver(delivery: Delivery): void;
  /** Names of those that are lost for so many milliseconds. */
  expired(grace: number): ReadonlySet<string>;
  /** How many are lost. */
  readonly size: number;
}

/** Create an empty set: no node is known yet. */
export function newLostNodes(): LostNodes {
  const leased = new Set<string>();
  const alive = new Set<string>();
  const since = new Map<string, number>();
  return {
    deliver({ puts, deletes }) {
      for (const key of deletes) {
        leased.delete(key);
        alive.delete(key);
      }
      for (const entry of puts) {
        if (entry.key.startsWith(PREFIXES.alive)) alive.add(entry.key);
        else if (isLeased(entry)) leased.add(entry.key);
        else leased.delete(entry.key);
      }
      for (const key of leased) {
        const name = key.slice(PREFIXES.nodes.length);
        if (alive.has(KEYS.alive(name))) since.delete(name);
        else if (!since.has(name)) since.set(name, performance.now());
      }
      for (const name of since.keys()) if (!leased.has(KEYS.node(name))) since.delete(name);
    },
    expired(grace) {
      const end = performance.now() - grace;
      return new Set([...since].flatMap(([name, at]) => (at <= end ? [name] : [])));
    },
    get size() {
      return since.size;
    },
  };
}

function isLeased(entry: Delivery['puts'][number]): boolean {
  try {
    return decode(SCHEMAS.node, entry).leased === true;
  } catch {
    // Of a newer dpctl, or a stranger's: nothing is known of it.
    return false;
  }
}
