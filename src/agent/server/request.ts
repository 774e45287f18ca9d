/** From an incoming request to an operation with a checked request, or to a refusal. */
import type { IncomingMessage } from 'node:http';
import type * as z from 'zod/mini';
import { AGENT_ROUTES, type OperationName, ROUTES, type Route } from '../../api/operations.js';
import { type Refusal, refusal } from './response.js';
import { REQUESTS } from './schemas/requests.js';

/** Maximum size of a request's body in bytes: a thousand prefixes are some 50 KB. */
const BODY_MAX = 256 * 1024;
/** Maximum number of a request's faults that are reported: the others are mostly of the same kind. */
const FAULTS_MAX = 8;

/** What a request asks for. */
export type Asked =
  | { readonly agent: keyof typeof AGENT_ROUTES }
  | { readonly name: OperationName; readonly parameters: Readonly<Record<string, string>> };

interface Known {
  readonly route: Route;
  readonly pattern: RegExp;
  readonly asked: { readonly agent: keyof typeof AGENT_ROUTES } | { readonly name: OperationName };
}

const KNOWN: readonly Known[] = [
  ...keysOf(AGENT_ROUTES).map((agent) => known(AGENT_ROUTES[agent], { agent })),
  ...keysOf(ROUTES).map((name) => known(ROUTES[name], { name })),
];

/** The operation at a path. */
export function askedBy({ method = '', url = '' }: IncomingMessage): Asked | Refusal {
  const [path = '', query] = url.split('?', 2);
  const here = KNOWN.flatMap((each) => {
    const match = each.pattern.exec(path);
    return match === null ? [] : [{ ...each, match }];
  });
  const found = here.find(({ route }) => route.method === method);
  if (found === undefined) {
    if (here.length === 0) return refusal(404, 'NO_SUCH_PATH', `there is nothing at ${path}`);
    const allowed = here.map(({ route }) => route.method);
    return refusal(405, 'WRONG_METHOD', `${path} is asked by ${allowed.join(', ')}`, { allowed });
  }
  if (query !== undefined) return refusal(400, 'BAD_REQUEST', 'there are no query parameters');
  return { ...found.asked, parameters: { ...found.match.groups } };
}

/**
 * The checked request of an operation.
 * @param given the value to check against its schema
 */
export function checked(name: OperationName, given: unknown): { request: object } | Refusal {
  return checkedBy<object>(REQUESTS[name], given);
}

/** A request that matches a schema. */
export function checkedBy<T>(schema: z.ZodMiniType<T>, given: unknown): { request: T } | Refusal {
  const { success, data, error } = schema.safeParse(given);
  if (success) return { request: data };
  const faults = error.issues.slice(0, FAULTS_MAX).map(({ path, message }) => ({
    at: path.map(String).join('.'),
    message,
  }));
  const [first] = faults;
  const where = first === undefined || first.at === '' ? '' : `${first.at}: `;
  return refusal(400, 'BAD_REQUEST', `${where}${first?.message ?? 'not a request'}`, { faults });
}

/** The body of a request as JSON; an empty one is an empty object. */
export async function bodyOf(request: IncomingMessage): Promise<{ body: unknown } | Refusal> {
  const tooLarge = {
    ...refusal(413, 'BODY_TOO_LARGE', `a request has ${BODY_MAX} bytes at most`, {
      most: BODY_MAX,
    }),
    isLast: true,
  };
  if (Number(request.headers['content-length'] ?? 0) > BODY_MAX) return tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_MAX) return tooLarge;
    chunks.push(chunk);
  }
  if (size === 0) return { body: {} };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return { body: JSON.parse(text) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refusal(400, 'BAD_JSON', `the body is no JSON: ${why}`);
  }
}

function known(route: Route, asked: Known['asked']): Known {
  const source = route.path
    .replaceAll('.', '\\.')
    .replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>[\\w-]+)`);
  return { route, asked, pattern: new RegExp(`^${source}$`) };
}

function keysOf<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}
