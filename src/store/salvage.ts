/** The readable part of damaged files, thing by thing, for a reset that has to put things back. */
import { readFileSync } from 'node:fs';
import type * as z from 'zod/mini';
import {
  EMPTY_STATE,
  type Endpoint,
  endpointSchema,
  networkSchema,
  remoteSchema,
  type State,
  sysctlSchema,
  underlaySchema,
  uplinkSchema,
} from '../model/state.js';

/**
 * Whatever in the files of a store is whole. Of another boot, or unreadable: nothing.
 * @param bootId of the running kernel
 */
export function salvageFiles(
  files: { readonly durable: string; readonly runtime: string },
  bootId: string,
): State {
  const durable = readMembers(files.durable);
  const runtime = readMembers(files.runtime);
  const rootId = [runtime.rootId, durable.rootId].find((id) => typeof id === 'string');
  const lasting: State = {
    ...EMPTY_STATE,
    ...(typeof rootId === 'string' && { rootId }),
    networks: elements(durable.networks, networkSchema),
    underlay: elements([durable.underlay], underlaySchema)[0],
    nodes: elements(durable.nodes, remoteSchema),
  };
  if (runtime.bootId !== bootId) return lasting;
  return {
    ...lasting,
    uplink: elements([runtime.uplink], uplinkSchema)[0],
    endpoints: firstOfEach(elements(runtime.endpoints, endpointSchema)),
    staticFdb: [],
    sysctls: elements(runtime.sysctls, sysctlSchema),
  };
}

type Members = Readonly<Record<string, unknown>>;

function readMembers(path: string): Members {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Not there, or not for us: nothing to be had.
    return {};
  }
  const value = parse(text);
  if (value === undefined) return readLines(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Where the whole is no JSON any more: each thing has a line of its own, and most may be whole. */
function readLines(text: string): Members {
  const members: Record<string, unknown> = {};
  let list: unknown[] = [];
  for (const line of text.split('\n')) {
    const [, key, rest] = /^ {2}"(\w+)": (.*?),?$/.exec(line) ?? [];
    if (key === undefined) list.push(parse(line.replace(/,$/, '')));
    else if (rest === '[') members[key] = list = [];
    else members[key] = parse(rest ?? '');
  }
  return members;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function elements<T extends z.ZodMiniType>(list: unknown, schema: T): z.infer<T>[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each) => {
    const result = schema.safeParse(each);
    return result.success ? [result.data] : [];
  });
}

function firstOfEach(endpoints: readonly Endpoint[]): Endpoint[] {
  const byId = new Map<number, Endpoint>();
  for (const endpoint of endpoints) if (!byId.has(endpoint.id)) byId.set(endpoint.id, endpoint);
  return [...byId.values()];
}
