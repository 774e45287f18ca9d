/** The files of the store as text: JSON with one line for each element, checked when it is read. */
import * as z from 'zod/mini';
import { FORMATS } from '../api/version.js';
import { hash32 } from '../model/state/hash.js';
import { corrupt, newer } from './errors.js';
import { locateFault } from './json-position.js';
import { readOwn } from './own-file.js';

/** A document that was read. */
export interface Document<T> {
  readonly data: T;
  /** Byte for byte what dpctl wrote, so that its content needs no further check. */
  readonly intact: boolean;
}

/**
 * A document as text: indented by two spaces, with each element of a list on one line. Users can read and
 * grep it, and thousands of endpoints stay cheap. The first line has a checksum of all others.
 */
export function formatDocument(document: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(document).map(([key, value]) => {
    const text = Array.isArray(value) ? formatList(value) : JSON.stringify(value);
    return `  ${JSON.stringify(key)}: ${text}`;
  });
  const rest = `${members.join(',\n')}\n}\n`;
  return `${checkLine(hash32(rest))}${rest}`;
}

function checkLine(check: number): string {
  return `{\n  "check": "${check.toString(16).padStart(8, '0')}",\n`;
}

const CHECK_LENGTH = checkLine(0).length;

function formatList(list: readonly unknown[]): string {
  if (list.length === 0) return '[]';
  return `[\n${list.map((element) => `    ${textOf(element)}`).join(',\n')}\n  ]`;
}

/** Edits keep the elements that they do not change, and a command writes a list several times. */
const texts = new WeakMap<object, string>();

function textOf(element: unknown): string {
  if (typeof element !== 'object' || element === null) return JSON.stringify(element);
  let text = texts.get(element);
  if (text === undefined) {
    text = JSON.stringify(element);
    texts.set(element, text);
  }
  return text;
}

/**
 * Read a document from its file. The schema is checked only if a user has edited the file: for thousands of
 * endpoints the check takes longer than the rest of a command.
 * @returns undefined if there is no file
 * @throws DpctlError STORE_CORRUPT, STORE_NEWER or STORE_UNAVAILABLE, exit 5
 */
export function readDocument<T extends z.ZodMiniType>(
  path: string,
  schema: T,
): Document<z.infer<T>> | undefined {
  const text = readOwn(path);
  if (text === undefined) return undefined;
  const value = parseJson(path, text);
  const version = versionOf(value);
  // Checked first: a newer document may differ in every other field.
  if (version !== undefined && version > FORMATS.state) throw newer(path, version, FORMATS.state);
  const isOurs =
    version === FORMATS.state && text.startsWith(checkLine(hash32(text, CHECK_LENGTH)));
  // The value had the schema's type when it was written, and the file is unchanged since.
  if (isOurs) return { data: value as z.infer<T>, intact: true };
  const result = z.safeParse(schema, value);
  if (result.success) return { data: result.data, intact: false };
  const issue = result.error.issues[0];
  const where = issue === undefined ? 'the top' : fieldName(issue.path);
  throw corrupt(path, where, issue?.message ?? 'not what was written', result.error);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { line, column } = locateFault(text);
    const why = text.trim() === '' ? 'the file is empty' : 'it is not valid JSON';
    throw corrupt(path, `line ${line}, column ${column}`, why, cause);
  }
}

function versionOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('version' in value)) return undefined;
  return typeof value.version === 'number' ? value.version : undefined;
}

/** `endpoints[3].mac` */
function fieldName(path: readonly PropertyKey[]): string {
  let name = '';
  for (const key of path) {
    if (typeof key === 'number') name += `[${key}]`;
    else name += name === '' ? String(key) : `.${String(key)}`;
  }
  return name === '' ? 'the top' : name;
}
