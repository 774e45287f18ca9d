/**
 * Follow the records below a prefix across connection losses, compactions and restored backups: list at a
 * revision and watch from the next one. If that is no longer possible, list again and deliver the difference.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DpctlError } from '../../../../loader/errors.js';
import { type Etcd, endOf } from '../client.js';
import { failureKind } from '../wire/failure.js';
import { type Inbox, newInbox } from './inbox.js';
import {
  applyChanges,
  type Cause,
  type Delivery,
  isElsewhere,
  type Known,
  newKnown,
  relist,
} from './known-records.js';

/** Options of {@link follow}. */
export interface FollowOptions {
  /** Ends the iteration, without an error. */
  readonly signal: AbortSignal;
  /** Milliseconds between periodic lists that verify the known records, with a jitter of 20 %. */
  readonly lookEvery?: number;
  /** Called with each error, and with undefined once the watch is established again. */
  readonly report?: (trouble: DpctlError | undefined) => void;
}

/** Ten minutes: bounds the time of a difference that the check of a resumed watch does not detect. */
const LOOK_EVERY = 600_000;
/** Milliseconds before a lost watch is resumed: at first, and at most after repeated failures. */
const PAUSE_MIN = 50;
const PAUSE_MAX = 2000;

/**
 * Deliver all records, then each change. Never throws: errors are reported, and changes made meanwhile are
 * delivered after recovery. A slow reader gets larger deliveries.
 * @param prefix must not be empty
 */
export async function* follow(
  etcd: Etcd,
  prefix: string,
  { signal, lookEvery = LOOK_EVERY, report = () => {} }: FollowOptions,
): AsyncGenerator<Delivery> {
  const known = newKnown();
  let why: Cause | undefined = 'listed';
  for (let pause = PAUSE_MIN; !signal.aborted; ) {
    const inbox = newInbox();
    let close = (): void => {};
    const look = setInterval(inbox.look, lookEvery * (0.8 + 0.4 * Math.random()));
    signal.addEventListener('abort', inbox.stop);
    try {
      if (why !== undefined) {
        const delivery = await listAgain(etcd, prefix, known, why);
        if (why === 'listed' || isNews(delivery)) yield delivery;
        why = undefined;
      }
      const range = { key: Buffer.from(prefix), end: endOf(prefix), from: known.floor + 1 };
      close = etcd.watches.open(range, inbox.sink);
      await inbox.confirmed;
      // Check after the watch is confirmed: if the store is replaced later, the watch ends.
      why = await doubt(etcd, prefix, known);
      if (why === undefined) {
        report(undefined);
        pause = PAUSE_MIN;
        why = yield* read(etcd, prefix, known, inbox);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (failureKind(error) === 'compacted') {
        why = 'compacted';
        continue;
      }
      report(error as DpctlError);
      await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
      pause = Math.min(2 * pause, PAUSE_MAX);
    } finally {
      clearInterval(look);
      signal.removeEventListener('abort', inbox.stop);
      close();
    }
  }
}

/** Deliver changes. @returns why a new list is needed @throws the error that ended the watch */
async function* read(
  etcd: Etcd,
  prefix: string,
  known: Known,
  inbox: Inbox,
): AsyncGenerator<Delivery, Cause | undefined> {
  for (;;) {
    const mail = await inbox.take();
    if ('ended' in mail) {
      if (mail.ended === undefined) return undefined;
      throw mail.ended;
    }
    if ('overflow' in mail) return 'compacted';
    if ('progress' in mail) known.floor = Math.max(known.floor, mail.progress);
    const delivery =
      'changes' in mail
        ? applyChanges(known, mail.changes)
        : 'look' in mail
          ? await listAgain(etcd, prefix, known, 'looked')
          : undefined;
    if (delivery !== undefined && isNews(delivery)) yield delivery;
  }
}

async function listAgain(etcd: Etcd, prefix: string, known: Known, why: Cause): Promise<Delivery> {
  const listing = await etcd.list(prefix);
  const isReset = why !== 'listed' && isElsewhere(known, listing.place);
  return relist(known, listing, isReset ? 'reset' : why);
}

/**
 * Check that the store has the known history: a restored backup may have reached our revision with different
 * changes.
 * @returns why a new list is needed; undefined if the history is the same
 */
async function doubt(etcd: Etcd, prefix: string, known: Known): Promise<Cause | undefined> {
  const { witness, floor } = known;
  if (witness === undefined) {
    const { entries, place } = await etcd.list(prefix);
    const isOther = isElsewhere(known, place) || entries.some(({ revision }) => revision <= floor);
    return isOther ? 'reset' : undefined;
  }
  try {
    const { entry, place } = await etcd.get(witness, floor);
    const isOther = entry?.revision !== known.revisions.get(witness) || isElsewhere(known, place);
    if (!isOther) known.place = place;
    return isOther ? 'reset' : undefined;
  } catch (error) {
    if (failureKind(error) === 'future') return 'reset';
    throw error;
  }
}

function isNews({ puts, deletes, cause }: Delivery): boolean {
  return puts.length > 0 || deletes.length > 0 || cause === 'reset';
}
