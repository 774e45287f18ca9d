/**
 * Writing to stdout and stderr. By write(2) itself: it is done when it returns, so the process can
 * end right after, and a reader that went away is an error here and not an event somewhere else.
 */
import { writeSync } from 'node:fs';
import { DpctlError, ERRNO, errnoOfAny, errnoText } from '../../loader/errors.js';

/** Bytes that are gathered before a write: fewer, larger calls. */
const CHUNK = 64 * 1024;
/**
 * Bytes that are held back until the data is complete, so that a failure leaves stdout empty. What
 * is larger (a table of some 300,000 rows) is written from there on as it comes.
 */
const HOLD = 32 * 1024 * 1024;
/** Milliseconds between two tries to write into a full pipe that does not block. */
const RETRY = 2;

/** A place to write text to, or bytes of UTF-8 that stay as they are from then on. */
export interface Sink {
  write(text: string | Uint8Array): void;
  /** Write what is still held back. */
  end(): void;
}

/**
 * stdout, held back.
 * @throws DpctlError OUTPUT_LOST, exit 2
 */
export function holdStdout(fd = 1, hold = HOLD): Sink {
  let text = '';
  let held: Uint8Array[] | undefined = [];
  let size = 0;
  const flush = (): void => {
    if (text === '') return;
    const bytes = Buffer.from(text);
    text = '';
    put(bytes);
  };
  const put = (bytes: Uint8Array): void => {
    if (held === undefined) {
      writeAll(fd, bytes);
      return;
    }
    held.push(bytes);
    size += bytes.length;
    if (size > hold) release();
  };
  const release = (): void => {
    const chunks = held ?? [];
    held = undefined;
    for (const chunk of chunks) writeAll(fd, chunk);
  };
  return {
    write(more) {
      if (typeof more !== 'string') {
        flush();
        put(more);
        return;
      }
      text += more;
      if (text.length >= CHUNK) flush();
    },
    end() {
      flush();
      release();
    },
  };
}

/** Write a message; a stderr that nobody reads is no reason to fail. */
export function writeStderr(text: string): void {
  try {
    writeAll(2, Buffer.from(text));
  } catch {
    // there is nobody to tell
  }
}

/** Not all of stdout could be written: a full disk, a reader that went away. */
function lost(errno: string, cause: unknown): DpctlError {
  const why = errno === 'EPIPE' ? 'its reader went away' : errnoText(ERRNO[errno] ?? 0);
  const message = `stdout cannot be written: ${errno} (${why})`;
  return new DpctlError('OUTPUT_LOST', message, { details: { errno }, cause });
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      const errno = errnoOfAny(error);
      if (errno === undefined) throw error;
      if (errno === 'EAGAIN') sleep(RETRY);
      else if (errno !== 'EINTR') throw lost(errno, error);
    }
  }
}

/** Sleep without turning the event loop; only ever for a pipe that somebody made non-blocking. */
function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * A value (a name, an address) that is safe on a terminal and stays on its line: control
 * characters, which a name may have in it, are written as \\xNN.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, escapeOf);
}

/** The same for a message, which may have several lines. */
export function printableLines(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, escapeOf);
}

const escapeOf = (character: string): string =>
  `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
