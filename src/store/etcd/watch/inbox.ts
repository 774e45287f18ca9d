/** Queue between a watch and its reader. */
import type { DpctlError } from '../../../../loader/errors.js';
import { entryOf } from '../client.js';
import type { WatchEvent } from '../wire/messages.js';
import type { Change } from './known-records.js';
import type { WatchSink } from './stream.js';

/** An item of the queue, in the order of arrival. */
export type Mail =
  | { readonly changes: readonly Change[] }
  | { readonly progress: number }
  /** The reader must compare its records with a list. */
  | { readonly look: true }
  /** The queue was full, and changes were dropped. */
  | { readonly overflow: true }
  | { readonly ended: DpctlError | undefined };

/** Maximum number of queued changes. A new list is cheaper than more of them. */
const MOST = 50_000;

export interface Inbox {
  readonly sink: WatchSink;
  /** Settles when etcd has confirmed the watch. @throws the error that ended the watch */
  readonly confirmed: Promise<void>;
  /** Request that the reader compares its records with a list. */
  look(): void;
  /** End the queue without an error. */
  stop(): void;
  /** Wait for the next item. Successive changes are returned together. */
  take(): Promise<Mail>;
}

/** Create an empty queue. */
export function newInbox(): Inbox {
  let mails: Mail[] = [];
  let waiting = 0;
  let wake = (): void => {};
  let confirm = (): void => {};
  let refuse = (_: unknown): void => {};
  const confirmed = new Promise<void>((resolve, reject) => {
    confirm = resolve;
    refuse = reject;
  });
  // Avoid an unhandled rejection if no caller awaits the promise.
  confirmed.catch(() => {});
  const put = (mail: Mail): void => {
    mails.push(mail);
    wake();
  };
  const end = (error: DpctlError | undefined): void => {
    refuse(error);
    put({ ended: error });
  };
  return {
    confirmed,
    sink: {
      created: () => confirm(),
      events: (events) => {
        if (waiting > MOST) return;
        waiting += events.length;
        if (waiting > MOST) {
          mails = [];
          put({ overflow: true });
        } else {
          put({ changes: events.map(changeOf) });
        }
      },
      progress: (revision) => {
        if (waiting <= MOST) put({ progress: revision });
      },
      ended: end,
    },
    look: () => put({ look: true }),
    stop: () => end(undefined),
    async take() {
      while (mails.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const changes: Change[] = [];
      for (let mail = mails[0]; mail !== undefined && 'changes' in mail; mail = mails[0]) {
        for (const change of mail.changes) changes.push(change);
        mails.shift();
      }
      if (changes.length === 0) return mails.shift() as Mail;
      waiting -= changes.length;
      return { changes };
    },
  };
}

function changeOf({ type, kv }: WatchEvent): Change {
  if (type === 'PUT') return { put: entryOf(kv) };
  return { deleted: kv.key.toString(), revision: Number(kv.mod_revision) };
}
