/**
 * Writing to stdout and stderr, by write(2): it is done when it returns, so the process can end right after,
 * and a closed reader is an error here instead of an event elsewhere.
 */
import { writeSync } from 'node:fs';
import { DpctlError, ERRNO, errnoOfAny, errnoText } from '../../loader/errors.js';

/** Bytes that are collected before a write: fewer, larger calls. */
const CHUNK = 64 * 1024;
/**
 * Bytes that are held back until the data is complete, so that a failure leaves stdout empty. Larger output
 * (a table of some 300,000 rows) is written as it comes from there on.
 */
const HOLD = 32 * 1024 * 1024;
/** Milliseconds between two attempts to write into a full non-blocking pipe. */
const RETRY = 2;

/** Accepts text, or bytes of UTF-8 that must not change afterwards. */
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

/** Write a message; it is no error if stderr has no reader. */
export function writeStderr(text: string): void {
  try {
    writeAll(2, Buffer.from(text));
  } catch {
    // stderr has no reader.
  }
}

/** Not all of stdout could be written: a full disk, or a closed reader. */
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

/** Sleep without running the event loop; only for a pipe that another process made non-blocking. */
function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * A value (a name, an address) made safe for a terminal, on one line: control characters, which names may
 * contain, are written as \\xNN.
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
