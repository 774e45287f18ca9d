/** One gRPC stream for all watches. It is opened for the first watch, and again after a connection loss. */
import type { DpctlError } from '../../../../loader/errors.js';
import type { Link, OpenStream } from '../wire/link.js';
import type { Header, WatchEvent, WatchResponse } from '../wire/messages.js';
import { METHODS } from '../wire/protocol.js';

/** Callbacks of a watch. Order: `created`, then `events` and `progress`, then `ended` once. */
export interface WatchSink {
  /** etcd has confirmed the watch; all events from the requested revision will follow. */
  created(header: Header): void;
  /** Changes of one or more complete revisions, in order. */
  events(events: readonly WatchEvent[]): void;
  /** All changes up to this revision were delivered. */
  progress(revision: number): void;
  /** The watch has ended. */
  ended(error: DpctlError): void;
}

/** A range of keys (`end` is exclusive), and the first revision to deliver. */
export interface WatchRequest {
  readonly key: Buffer;
  readonly end: Buffer;
  readonly from: number;
}

export interface WatchStream {
  /** @returns a function that ends the watch; the sink is not called after that */
  open(request: WatchRequest, sink: WatchSink): () => void;
  close(): void;
}

interface Watch {
  readonly id: string;
  readonly sink: WatchSink;
  timer?: NodeJS.Timeout;
}

/** One stream, from its opening to its end. */
interface Session {
  readonly stream: Promise<OpenStream<object, WatchResponse>>;
  /** Watches by id. The client assigns the ids. */
  readonly watches: Map<string, Watch>;
  /** Unconfirmed watches in the order of their requests, which is the order of the answers. */
  readonly unconfirmed: Watch[];
  end(error: DpctlError): void;
}

/** Create the watch stream of a link. */
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
        // A stream that we have cancelled also ends with an error.
        if (!isOver) made.end(judge(cause));
      });
      stream.on('end', () => made.end(link.error('unreachable', 'the stream has ended')));
    }, made.end);
    return made;
  };

  const receive = (from: Session, answer: WatchResponse): void => {
    // etcd does not always set the id when it refuses a watch.
    const watch = answer.created ? from.unconfirmed.shift() : from.watches.get(answer.watch_id);
    // The watch was closed while this answer was in flight.
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
      // A member may accept the stream but never answer.
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

/** Write once the stream is open. The session reports a failure to open it. */
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
