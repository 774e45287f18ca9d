/** Responses: results and errors as JSON. */
import type { ServerResponse } from 'node:http';
import { DpctlError } from '../../../loader/errors.js';
import { type Failure, failureOf, plain, withHints } from '../../api/failure.js';
import { hintText } from '../../model/hint.js';

/** HTTP status for an exit code; 500 for the others. */
const STATUS: Readonly<Record<number, number>> = { 1: 400, 2: 422, 3: 404, 5: 503 };

/** An error as the command line prints it with `-o json`. */
export interface ErrorBody {
  readonly code: string;
  readonly msg: string;
  readonly details: Failure['details'];
  /** The next step; empty when there is none. */
  readonly hint: string;
  /** Exit code for the command that receives it. */
  readonly exitCode: number;
  /** For dpctl itself: the parts from which it makes its own message. */
  readonly raw?: Pick<Failure, 'details' | 'hint' | 'causes'>;
}

/** A fault found before an operation began, with its own HTTP status. */
export interface Refusal {
  readonly status: number;
  readonly error: DpctlError;
  /** The rest of the request is not read: the connection is closed. */
  readonly isLast?: boolean;
}

/** The refusal of a malformed request. */
export function refusal(
  status: number,
  code: string,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Refusal {
  const error = new DpctlError(code, message, {
    exitCode: 1,
    details,
    hint: 'see GET /v1/openapi.json',
  });
  return { status, error };
}

/** The body of an error. @param raw it is for dpctl itself */
export function errorBody(error: unknown, raw: boolean): ErrorBody {
  const { code, msg, details, hint, exitCode, causes } = failureOf(error);
  const told = withHints(details, hintText);
  return {
    ...{ code, msg, details: causes.length === 0 ? told : { ...told, causes } },
    ...{ hint: hintText(hint), exitCode },
    ...(raw && { raw: { details, hint, causes } }),
  };
}

/** HTTP status of an error that an operation threw. */
export function statusOf(error: unknown): number {
  return STATUS[failureOf(error).exitCode] ?? 500;
}

/** Send a value, and end the response. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(`${JSON.stringify(value, plain)}\n`);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
  });
  response.end(body);
}

/** A response, as bytes, to input that is not an HTTP request. */
export function rawAnswer(status: number, reason: string, code: string, message: string): string {
  const body = `${JSON.stringify(errorBody(refusal(status, code, message).error, false))}\n`;
  return [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
