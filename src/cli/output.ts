/**
 * Writing to stdout and stderr. By write(2) itself: it is done when it returns, so the process can
 * end right after, and a reader that went away is an error here and not an event somewhere else.
 */
import { writeSync } from 'node:fs';

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

/** The reader has gone: nothing more is wanted, and nothing has failed (`dpctl dump | head`). */
export const READER_GONE = Symbol('reader gone');

/**
 * stdout, held back.
 * @throws READER_GONE, or Node's error of write(2)
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

function writeAll(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EPIPE') throw READER_GONE;
      if (code !== 'EAGAIN') throw error;
      sleep(RETRY);
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
