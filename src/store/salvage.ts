/** The readable part of damaged files, element by element, for a reset that must restore what they record. */
import type * as z from 'zod/mini';
import {
  durableSchema,
  EMPTY_STATE,
  endpointSchema,
  networkSchema,
  remoteSchema,
  resolvedUnderlaySchema,
  runtimeSchema,
  type State,
  sysctlSchema,
  underlaySchema,
} from '../model/state/state.js';
import { firstOfEach } from '../model/state/unique-by.js';
import { readDocument } from './document.js';
import { throwUnseen } from './errors.js';
import { bootIdOf, type FileStoreOptions, storeFiles } from './file-paths.js';
import { look, readOwn } from './own-file.js';
import { BOTH_LOST, type StoreFiles, wholeCopy } from './records.js';
import type { Salvaged } from './store.js';

/**
 * Whatever is intact in the files of a store: a record, else its copy, else every element in either that can
 * be read. Nothing of another boot.
 * @param bootId of the running kernel
 * @throws DpctlError if a file cannot be read now, or may not be read: it may be intact
 */
export function salvageFiles(files: StoreFiles, bootId: string): Salvaged {
  const durable = salvage(files.durable, files.durableCopy, durableSchema);
  const runtime = salvage(files.runtime, files.runtimeCopy, runtimeSchema, bootId);
  const ids = [runtime.members.rootId, durable.members.rootId];
  const rootId = ids.find((id) => typeof id === 'string');
  const lasting: State = {
    ...EMPTY_STATE,
    ...(typeof rootId === 'string' && { rootId }),
    networks: elements(durable.members.networks, networkSchema),
    underlay: elements([durable.members.underlay], underlaySchema)[0],
    nodes: elements(durable.members.nodes, remoteSchema),
  };
  const { members } = runtime;
  const isLost = members.bootId !== bootId && durable.members.usedIn === bootId;
  const unknown = [
    ...durable.unknown,
    ...runtime.unknown,
    ...(isLost || members.untold === true ? [`${files.runtime} ${BOTH_LOST}`] : []),
  ];
  if (members.bootId !== bootId) return { state: lasting, unknown };
  const state: State = {
    ...lasting,
    resolvedUnderlay: elements([members.uplink], resolvedUnderlaySchema)[0],
    endpoints: firstOfEach(elements(members.endpoints, endpointSchema), ({ id }) => id),
    ...(typeof members.netns === 'string' && { netns: members.netns }),
    staticFdb: [],
    sysctls: elements(members.sysctls, sysctlSchema),
  };
  return { state, unknown };
}

/** What only this kernel knows, as far as any record tells: for code that cannot wait for a store. */
export type LocalRecords = Pick<State, 'rootId' | 'netns' | 'sysctls'>;

/**
 * Read this machine's files synchronously, wherever the rest is kept. Damage only loses the damaged parts.
 * @throws DpctlError if a file cannot be read now, or may not be read: it may be intact
 */
export function localRecords(options: FileStoreOptions): LocalRecords {
  const files = storeFiles(options);
  const bootId = bootIdOf(options);
  const { members } = salvage(files.runtime, files.runtimeCopy, runtimeSchema, bootId);
  const isOurs = members.bootId === bootId;
  const isKnown = typeof members.rootId === 'string';
  const { rootId } = isKnown
    ? members
    : salvage(files.durable, files.durableCopy, durableSchema).members;
  return {
    ...(typeof rootId === 'string' && { rootId }),
    ...(isOurs && typeof members.netns === 'string' && { netns: members.netns }),
    sysctls: isOurs ? elements(members.sysctls, sysctlSchema) : [],
  };
}

type Members = Readonly<Record<string, unknown>>;

interface Found {
  readonly members: Members;
  readonly unknown: readonly string[];
}

function salvage(path: string, copy: string, schema: z.ZodMiniType, bootId?: string): Found {
  const isOurs = (members: Members): boolean => bootId === undefined || members.bootId === bootId;
  const whole = wholeRecord(path, schema) ?? (wholeCopy(copy, schema)?.data as Members | undefined);
  if (whole !== undefined && (isOurs(whole) || !isDamaged(path, schema))) {
    return { members: whole, unknown: [] };
  }
  const [own, others] = [readMembers(path), readMembers(copy)];
  const members = isOurs(own) ? { ...others, ...own } : isOurs(others) ? others : own;
  if (look(path) === undefined && look(copy) === undefined) return { members, unknown: [] };
  return { members, unknown: [`${path} is lost or damaged, and there is no whole copy of it`] };
}

/** A record that can be read, even if a user has edited it. */
function wholeRecord(path: string, schema: z.ZodMiniType): Members | undefined {
  try {
    return readDocument(path, schema)?.data as Members | undefined;
  } catch (error) {
    throwUnseen(error);
    return undefined;
  }
}

function isDamaged(path: string, schema: z.ZodMiniType): boolean {
  return look(path) !== undefined && wholeRecord(path, schema) === undefined;
}

function readMembers(path: string): Members {
  let text: string | undefined;
  try {
    text = readOwn(path);
  } catch (error) {
    throwUnseen(error);
  }
  // Missing, or not a file.
  if (text === undefined) return {};
  const value = parse(text);
  if (value === undefined) return readLines(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** For a text that is not valid JSON as a whole: each element has its own line, and most may be intact. */
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
