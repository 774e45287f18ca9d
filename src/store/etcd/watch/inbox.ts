/** What a watch has brought and nobody has taken yet. */
import type { DpctlError } from '../../../../loader/errors.js';
import { entryOf } from '../client.js';
import type { WatchEvent } from '../wire/messages.js';
import type { Change } from './known-records.js';
import type { WatchSink } from './stream.js';

/** What comes out, in the order in which it came in. */
export type Mail =
  | { readonly changes: readonly Change[] }
  | { readonly progress: number }
  /** Time to compare with a list. */
  | { readonly look: true }
  /** Nobody took them in time: they are gone. */
  | { readonly overflow: true }
  | { readonly ended: DpctlError | undefined };

/** Maximum number of changes that wait for a slow reader; a list is shorter than more of them. */
const MOST = 50_000;

export interface Inbox {
  readonly sink: WatchSink;
  /** Settles when etcd has confirmed the watch. @throws what has ended it */
  readonly confirmed: Promise<void>;
  /** Have the reader compare with a list. */
  look(): void;
  /** End it without an error. */
  stop(): void;
  /** The next thing; changes that wait are taken together. */
  take(): Promise<Mail>;
}

/** An empty one. */
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
  // Who waits for it hears of it; nobody has to.
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
