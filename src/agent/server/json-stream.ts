/** Streams: one JSON object for each line, as fast as the reader takes them. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { plain } from '../../api/failure.js';
import { errorBody } from './response.js';

/** Bytes that are collected before a write. */
const CHUNK = 64 * 1024;
/** Milliseconds for which a reader may leave sent data unread. */
const READER_TIMEOUT = 30_000;

/**
 * Send rows, and end the response. An error after the first row is sent as a last line with the single key
 * `error`, as the status was sent before.
 * @param signal ends the stream: the reader has gone, or the agent ends
 * @param raw the reader is dpctl itself
 * @throws the error of the rows, if it comes before the first
 */
export async function sendLines(
  response: ServerResponse,
  rows: Iterable<object> | AsyncIterable<object>,
  signal: AbortSignal,
  { raw = false, live = false }: { readonly raw?: boolean; readonly live?: boolean } = {},
): Promise<void> {
  let text = '';
  const flush = async (): Promise<void> => {
    if (text === '' && response.headersSent) return;
    begin(response);
    const chunk = text;
    text = '';
    if (chunk !== '' && !response.write(chunk)) await drained(response, signal);
  };
  try {
    // Confirm a stream of rare events at once, before its first row.
    if (live) {
      begin(response);
      response.flushHeaders();
    }
    for await (const row of rows) {
      text += `${JSON.stringify(row, plain)}\n`;
      if (live || text.length >= CHUNK) await flush();
      if (signal.aborted) break;
    }
    await flush();
  } catch (error) {
    if (!response.headersSent) throw error;
    if (!signal.aborted) {
      response.write(`${text}${JSON.stringify({ error: errorBody(error, raw) }, plain)}\n`);
    }
  }
  response.end();
}

function begin(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, {
    'content-type': 'application/x-ndjson',
    'cache-control': 'no-store',
  });
}

/** Wait until the reader has taken what was sent; a stalled reader is given up. */
async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(READER_TIMEOUT);
  try {
    await once(response, 'drain', { signal: AbortSignal.any([signal, late]) });
  } catch (error) {
    response.destroy();
    if (!signal.aborted && !late.aborted) throw error;
  }
}
