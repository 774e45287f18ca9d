/**
 * Records below a prefix that a watcher knows, up to a revision. Lists and changes from etcd are the input,
 * the differences are the output. No I/O.
 */
import type { Entry, Listing, Place } from '../client.js';

/** Reason of a delivery. */
export type Cause =
  /** The first list. */
  | 'listed'
  /** Changes from the watch. */
  | 'changed'
  /** The difference to a new list after a loss of changes, by compaction or a full queue. */
  | 'compacted'
  /** The difference to a periodic list. Expected to be empty. */
  | 'looked'
  /** All records of a store with a different history: it was wiped or restored. */
  | 'reset';

/** Changes of whole revisions. A record that changed more than once is included once, with its last value. */
export interface Delivery {
  readonly cause: Cause;
  /** All changes up to this revision are delivered. */
  readonly revision: number;
  readonly puts: readonly Entry[];
  /** Keys of deleted records, which were known before. */
  readonly deletes: readonly string[];
}

/** A change of one record. */
export type Change =
  | { readonly put: Entry }
  | { readonly deleted: string; readonly revision: number };

/** Known records. Only {@link relist} and {@link applyChanges} modify them. */
export interface Known {
  /** mod_revision of each existing record, by key. */
  readonly revisions: Map<string, number>;
  /** All changes up to this revision are known. */
  floor: number;
  place: Place;
  /** Key of the newest change. The state of its record at `floor` identifies the history of the store. */
  witness: string | undefined;
}

/** State before the first list. */
export function newKnown(): Known {
  const place = { cluster: '', revision: 0, term: 0 };
  return { revisions: new Map(), floor: 0, place, witness: undefined };
}

/** Apply a list. @returns the difference; for `reset` all records, as their revisions are not comparable */
export function relist(known: Known, { entries, place }: Listing, cause: Cause): Delivery {
  const puts = entries.filter(
    ({ key, revision }) => cause === 'reset' || known.revisions.get(key) !== revision,
  );
  const present = new Set(entries.map(({ key }) => key));
  const deletes = [...known.revisions.keys()].filter((key) => !present.has(key));
  known.revisions.clear();
  let newest = 0;
  known.witness = undefined;
  for (const { key, revision } of entries) {
    known.revisions.set(key, revision);
    if (revision <= newest) continue;
    newest = revision;
    known.witness = key;
  }
  known.floor = place.revision;
  known.place = place;
  return { cause, revision: place.revision, puts, deletes };
}

/** Apply changes. @returns those that were not known; undefined if a list has already included all */
export function applyChanges(known: Known, changes: readonly Change[]): Delivery | undefined {
  const puts = new Map<string, Entry>();
  const deletes = new Set<string>();
  /** Keys that are new in these changes, and not delivered yet. */
  const fresh = new Set<string>();
  let revision = known.floor;
  for (const change of changes) {
    const key = 'put' in change ? change.put.key : change.deleted;
    const at = 'put' in change ? change.put.revision : change.revision;
    if (at <= known.floor) continue;
    revision = Math.max(revision, at);
    known.witness = key;
    if ('put' in change) {
      if (!known.revisions.has(key) && !deletes.has(key)) fresh.add(key);
      puts.set(key, change.put);
      deletes.delete(key);
      known.revisions.set(key, at);
    } else {
      puts.delete(key);
      if (known.revisions.delete(key) && !fresh.delete(key)) deletes.add(key);
    }
  }
  if (revision === known.floor) return undefined;
  known.floor = revision;
  return { cause: 'changed', revision, puts: [...puts.values()], deletes: [...deletes] };
}

/** Whether this place belongs to another cluster, or to one that was restored to an older state. */
export function isElsewhere({ place: before, floor }: Known, place: Place): boolean {
  const isOther = place.cluster !== before.cluster || place.term < before.term;
  return isOther || place.revision < floor;
}
