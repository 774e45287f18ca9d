/** The description of the API in OpenAPI 3.1, made from the schemas that check requests. */
import * as z from 'zod/mini';
import { AGENT_ROUTES, type OperationName, ROUTES, type Route } from '../../api/operations.js';
import { CNI_CALL, REQUESTS } from './schemas/requests.js';
import { AGENT_RESULTS, ERROR, RESULTS } from './schemas/results.js';

/** Raised with every change that clients must know about. */
const VERSION = '1.0.0';

/** Operations that answer with one line for each row. */
const STREAMS: ReadonlySet<string> = new Set(['dump', 'watch']);

/** The whole document, as an object. */
export function openapi(): object {
  const operations = (Object.keys(ROUTES) as OperationName[]).map((name) => pathOf(name));
  const ofAgent = [
    agentPath('health', AGENT_ROUTES.health, jsonOf(AGENT_RESULTS.health)),
    agentPath('ready', AGENT_ROUTES.ready, jsonOf(AGENT_RESULTS.ready), true),
    agentPath('watch', AGENT_ROUTES.watch, jsonOf(AGENT_RESULTS.watch)),
    agentPath('openapi', AGENT_ROUTES.openapi, { type: 'object' }),
    cniPath(),
  ];
  return {
    openapi: '3.1.0',
    info: {
      title: 'API of the agent of dpctl',
      version: VERSION,
      summary: 'What the commands of dpctl do, over a Unix socket',
      description:
        'HTTP/1.1 on run/dpctl/agent.sock below the root of the node, for root and the user of the agent. Each operation is what the command of the same name does. A stream has one JSON object a line.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://localhost', description: 'the host name is ignored' }],
    paths: Object.fromEntries([...ofAgent, ...operations]),
    components: {
      schemas: { Error: jsonOf(ERROR) },
      responses: {
        Error: {
          description:
            '400: the request or a value in it is wrong; 404: there is no such thing, or no such path; 405, 408, 413, 431: what HTTP says; 421: a name may mean something else where you are; 422: the kernel refused; 500: a bug; 503: try again',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    },
  };
}

function pathOf(name: OperationName): [string, object] {
  const route = ROUTES[name];
  const request = jsonOf(REQUESTS[name]);
  const operation = {
    operationId: idOf(name),
    summary: route.summary,
    ...(route.method === 'POST' && {
      requestBody: { required: true, content: { 'application/json': { schema: request } } },
    }),
    ...(route.path.includes('{') && { parameters: parametersOf(request) }),
    responses: responsesOf(name, jsonOf(RESULTS[name])),
  };
  return [route.path, { [route.method.toLowerCase()]: operation }];
}

function agentPath(name: string, route: Route, result: object, unready = false): [string, object] {
  const responses = {
    ...responsesOf(name, result),
    ...(unready && {
      503: { description: 'not ready', content: { 'application/json': { schema: result } } },
    }),
  };
  return [route.path, { get: { operationId: idOf(name), summary: route.summary, responses } }];
}

/** The answer is what the plugin prints, so its form is that of CNI's version. */
function cniPath(): [string, object] {
  const { path, summary } = AGENT_ROUTES.cni;
  const printed = { content: { 'application/json': { schema: { type: 'object' } } } };
  const responses = {
    200: { description: 'a result of CNI', ...printed },
    204: { description: 'done, and nothing to print' },
    422: { description: 'an error object of CNI', ...printed },
    default: { $ref: '#/components/responses/Error' },
  };
  const body = { content: { 'application/json': { schema: jsonOf(CNI_CALL) } } };
  const requestBody = { required: true, ...body };
  return [path, { post: { operationId: 'cni', summary, requestBody, responses } }];
}

/** The fields of a request that are part of its path. */
function parametersOf(request: {
  readonly properties?: Readonly<Record<string, unknown>>;
}): object[] {
  return Object.entries(request.properties ?? {}).map(([name, schema]) => ({
    ...{ name, in: 'path', required: true, schema },
  }));
}

function responsesOf(name: string, schema: object): object {
  const type = STREAMS.has(name) ? 'application/x-ndjson' : 'application/json';
  const description = STREAMS.has(name) ? 'one object per line' : 'done';
  return {
    200: { description, content: { [type]: { schema } } },
    default: { $ref: '#/components/responses/Error' },
  };
}

/** `network add` -> `networkAdd`. */
function idOf(name: string): string {
  return name.replace(/ ([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function jsonOf(schema: z.ZodMiniType): {
  readonly properties?: Readonly<Record<string, unknown>>;
} {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
