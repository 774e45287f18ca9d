/**
 * What a watcher knows of the records below a prefix, and how far. Pure: what comes from etcd goes in,
 * what is news comes out.
 */
import type { Entry, Listing, Place } from '../client.js';

/** Why something is delivered. */
export type Cause =
  /** The first list. */
  | 'listed'
  /** Changes as they came. */
  | 'changed'
  /** The difference to a new list, after changes that nobody can tell any more. */
  | 'compacted'
  /** The difference to a list that was made to be sure. It should be none. */
  | 'looked'
  /** The records of a store with another past: it was wiped or restored. All are told, known or not. */
  | 'reset';

/** What is new, whole revisions at a time. Of a record that changed more than once, the last. */
export interface Delivery {
  readonly cause: Cause;
  /** All changes up to here are told. */
  readonly revision: number;
  readonly puts: readonly Entry[];
  /** Keys that were known. */
  readonly deletes: readonly string[];
}

/** A change of one record. */
export type Change =
  | { readonly put: Entry }
  | { readonly deleted: string; readonly revision: number };

/** What is known; changed by {@link relist} and {@link applyChanges} only. */
export interface Known {
  /** Revision of the last change of each record that is there. */
  readonly revisions: Map<string, number>;
  /** All changes up to here are known. */
  floor: number;
  place: Place;
  /** Key of the newest change: how its record stands at `floor` tells this past from another one. */
  witness: string | undefined;
}

/** What is known before the first list. */
export function newKnown(): Known {
  const place = { cluster: '', revision: 0, term: 0 };
  return { revisions: new Map(), floor: 0, place, witness: undefined };
}

/** Take a list in. @returns the difference; for `reset` every record, since revisions say nothing then */
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

/** Take changes in. @returns what is news of them; undefined where a list had told all of them */
export function applyChanges(known: Known, changes: readonly Change[]): Delivery | undefined {
  const puts = new Map<string, Entry>();
  const deletes = new Set<string>();
  /** Nobody was told of them yet. */
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

/** Whether a store that stands here has gone back, or is another one. */
export function isElsewhere({ place: before, floor }: Known, place: Place): boolean {
  const isOther = place.cluster !== before.cluster || place.term < before.term;
  return isOther || place.revision < floor;
}
