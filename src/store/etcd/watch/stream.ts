/** One stream to one member for all watches. It is opened with the first of them, and again after it was cut. */
import type { DpctlError } from '../../../../loader/errors.js';
import type { Link, OpenStream } from '../wire/link.js';
import type { Header, WatchEvent, WatchResponse } from '../wire/messages.js';
import { METHODS } from '../wire/protocol.js';

/** What a watch hears, in this order: `created`, then events and progress, then `ended`, once. */
export interface WatchSink {
  /** Events from the asked revision on will come. */
  created(header: Header): void;
  /** All changes of one or more revisions, in their order: never a part of a revision. */
  events(events: readonly WatchEvent[]): void;
  /** All changes up to this revision have come. */
  progress(revision: number): void;
  /** Nothing more will come. */
  ended(error: DpctlError): void;
}

/** A range of keys, and the first revision whose changes are to come. */
export interface WatchRequest {
  readonly key: Buffer;
  readonly end: Buffer;
  readonly from: number;
}

export interface WatchStream {
  /** @returns a function that ends the watch; the sink hears nothing after that */
  open(request: WatchRequest, sink: WatchSink): () => void;
  close(): void;
}

interface Watch {
  readonly id: string;
  readonly sink: WatchSink;
  timer?: NodeJS.Timeout;
}

/** One stream, from when it is asked for to its end. */
interface Session {
  readonly stream: Promise<OpenStream<object, WatchResponse>>;
  /** By the ids that we gave them. */
  readonly watches: Map<string, Watch>;
  /** Those that etcd has not confirmed, in the order in which they were asked for: so it answers. */
  readonly unconfirmed: Watch[];
  end(error: DpctlError): void;
}

/** All watches of a link. */
export function newWatchStream(link: Link): WatchStream {
  let session: Session | undefined;
  let count = 0;

  const begin = (): Session => {
    const watches = new Map<string, Watch>();
    let isOver = false;
    const made: Session = {
      stream: link.open<object, WatchResponse>(METHODS.watch),
      ...{ watches, unconfirmed: [] },
      end(error) {
        if (isOver) return;
        isOver = true;
        if (session === made) session = undefined;
        made.stream.then(
          ({ stream }) => stream.cancel(),
          () => {},
        );
        const left = [...watches.values()];
        watches.clear();
        for (const watch of left) {
          clearTimeout(watch.timer);
          watch.sink.ended(error);
        }
      },
    };
    made.stream.then(({ stream, judge }) => {
      stream.on('data', (answer: WatchResponse) => receive(made, answer));
      stream.on('error', (cause) => {
        // Else it is how a stream ends that we have cancelled.
        if (!isOver) made.end(judge(cause));
      });
      stream.on('end', () => made.end(link.error('unreachable', 'the stream has ended')));
    }, made.end);
    return made;
  };

  const receive = (from: Session, answer: WatchResponse): void => {
    // Of a watch that is refused, etcd does not always tell the id.
    const watch = answer.created ? from.unconfirmed.shift() : from.watches.get(answer.watch_id);
    // It was ended here, and this was on its way.
    if (watch === undefined || !from.watches.has(watch.id)) return;
    clearTimeout(watch.timer);
    if (answer.canceled) {
      from.watches.delete(watch.id);
      watch.sink.ended(cancelled(link, answer));
      return;
    }
    if (answer.created) watch.sink.created(answer.header);
    if (answer.events.length > 0) watch.sink.events(answer.events);
    else if (!answer.created) watch.sink.progress(Number(answer.header.revision));
  };

  return {
    open({ key, end, from }, sink) {
      session ??= begin();
      const mine = session;
      const watch: Watch = { id: String(++count), sink };
      mine.watches.set(watch.id, watch);
      // A member that accepts and says nothing is as good as none.
      watch.timer = setTimeout(() => {
        send(mine, ({ leave }) => leave());
        mine.end(link.error('quorum', 'a watch was not confirmed'));
      }, link.timing.attempt);
      send(mine, ({ stream }) => {
        if (!mine.watches.has(watch.id)) return;
        mine.unconfirmed.push(watch);
        const create = { key, range_end: end, start_revision: from, watch_id: watch.id };
        stream.write({ create_request: { ...create, progress_notify: true } });
      });
      return () => {
        clearTimeout(watch.timer);
        if (!mine.watches.delete(watch.id)) return;
        if (mine.watches.size === 0) {
          mine.end(link.error('unreachable', 'nobody watches'));
        } else {
          send(mine, ({ stream }) => {
            stream.write({ cancel_request: { watch_id: watch.id } });
          });
        }
      };
    },
    close() {
      session?.end(link.error('unreachable', 'the client was closed'));
    },
  };
}

/** Once the stream is open; who waits for it hears of a failure by the session. */
function send({ stream }: Session, write: (open: OpenStream<object, WatchResponse>) => void): void {
  stream.then(write, () => {});
}

function cancelled(link: Link, answer: WatchResponse): DpctlError {
  const why = answer.cancel_reason;
  if (answer.compact_revision !== '0') {
    return link.error('compacted', `compacted up to ${answer.compact_revision}`);
  }
  if (/permission denied/.test(why)) return link.error('user', why);
  if (/token|auth/.test(why)) return link.error('token', why);
  return link.error('quorum', why === '' ? 'the watch was cancelled' : why);
}
