/** From the data of a command to text on stdout, in the requested format. */
import { paintFor } from '../color.js';
import type { Output } from '../global-flags.js';
import type { Environment } from '../options.js';
import type { Sink } from '../output.js';
import { printable } from '../output.js';
import { fieldOf, type Schema } from '../schemas/schema.js';
import { jsonElements, jsonEnd, jsonRow, jsonStart } from './json.js';
import { needsWidths, shownColumns, tableLines } from './table.js';

/**
 * Rows as observe/ and control/ return them. Long lists also come as JSON, under the printed keys: in chunks,
 * with `,\n ` between rows.
 */
export type Rows<Row = object> = (Iterable<Row> | AsyncIterable<Row>) & {
  readonly json?: Iterable<Uint8Array>;
};

/** Data of a command. */
export type Data =
  /** A list. */
  | { readonly kind: 'rows'; readonly schema: Schema; readonly rows: Rows }
  /** A single value: an object in JSON, a list of one in other formats. */
  | { readonly kind: 'object'; readonly schema: Schema; readonly row: object }
  /** Data with its own form in each format. */
  | {
      readonly kind: 'report';
      readonly value: object;
      readonly names: readonly string[];
      text(bold: (text: string) => string): string;
    }
  /** Text, whatever -o says: scripts, help. */
  | { readonly kind: 'text'; readonly text: string };

/** A list: the compiler refuses rows that do not match the schema. */
export function listOf<Row extends object>(schema: Schema<Row>, rows: Rows<NoInfer<Row>>): Data {
  return { kind: 'rows', schema, rows };
}

/** A single value, under the same check. */
export function oneOf<Row extends object>(schema: Schema<Row>, row: NoInfer<Row>): Data {
  return { kind: 'object', schema, row };
}

/** How to render. */
export interface Form {
  readonly output: Output;
  readonly color: 'auto' | 'always' | 'never' | undefined;
  readonly env: Environment;
}

/**
 * Rows that are handled at once: enough to determine column widths, few enough to keep intermediate strings
 * small.
 */
const BATCH = 4096;

/** Long texts stay on one line, and equal values are repeated instead of using anchors. */
const YAML = { lineWidth: 0, aliasDuplicateObjects: false };

/**
 * Render data into a sink.
 * @returns how many rows (or chunks of them) there were
 */
export async function render(data: Data, form: Form, sink: Sink): Promise<number> {
  const { output } = form;
  if (data.kind === 'text') {
    sink.write(data.text);
    return 1;
  }
  if (data.kind === 'report') {
    sink.write(await reportText(data, form));
    return 1;
  }
  if (data.kind === 'object' && (output === 'json' || output === 'yaml')) {
    sink.write(await objectText(jsonRow(data.schema)(data.row), output));
    return 1;
  }
  const rows = data.kind === 'object' ? [data.row] : data.rows;
  switch (output) {
    case 'json':
      return renderJson(data.schema, rows, sink);
    case 'yaml':
      return renderYaml(data.schema, rows, sink);
    case 'name':
      return eachBatch(rows, (batch) => sink.write(namesOf(data.schema, batch)));
    default:
      return renderTable(data.schema, rows, form, sink);
  }
}

async function objectText(value: object, output: 'json' | 'yaml'): Promise<string> {
  if (output === 'json') return `${JSON.stringify(value)}\n`;
  const { stringify } = await import('yaml');
  return stringify(value, YAML);
}

async function reportText(
  data: Extract<Data, { kind: 'report' }>,
  { output, color, env }: Form,
): Promise<string> {
  if (output === 'json' || output === 'yaml') return objectText(data.value, output);
  if (output === 'name') return data.names.map((name) => `${printable(name)}\n`).join('');
  return data.text((await paintFor(1, color, env)).bold);
}

async function renderJson(schema: Schema, rows: Rows, sink: Sink): Promise<number> {
  if (rows.json !== undefined) return renderJsonChunks(rows.json, sink);
  const toJson = jsonRow(schema);
  let first = true;
  const count = await eachBatch(rows, (batch) => {
    sink.write(jsonElements(batch.map(toJson), first));
    first = false;
  });
  sink.write(jsonEnd(count === 0));
  return count;
}

function renderJsonChunks(chunks: Iterable<Uint8Array>, sink: Sink): number {
  let count = 0;
  for (const chunk of chunks) {
    sink.write(jsonStart(count === 0));
    sink.write(chunk);
    count++;
  }
  sink.write(jsonEnd(count === 0));
  return count;
}

async function renderYaml(schema: Schema, rows: Rows, sink: Sink): Promise<number> {
  const { stringify } = await import('yaml');
  const toJson = jsonRow(schema);
  const count = await eachBatch(rows, (batch) => sink.write(stringify(batch.map(toJson), YAML)));
  if (count === 0) sink.write('[]\n');
  return count;
}

function namesOf(schema: Schema, rows: readonly object[]): string {
  return rows.map((row) => `${printable(String(fieldOf(row, schema.nameKey) ?? ''))}\n`).join('');
}

async function renderTable(schema: Schema, rows: Rows, form: Form, sink: Sink): Promise<number> {
  const columns = shownColumns(schema, form.output === 'wide');
  const { bold } = await paintFor(1, form.color, form.env);
  let lines: ReturnType<typeof tableLines> | undefined;
  const count = await eachBatch(rows, async (batch) => {
    if (lines === undefined) {
      const wide = needsWidths(batch, columns);
      const widthOf = wide ? (await import('string-width')).default : (text: string) => text.length;
      lines = tableLines(columns, batch, widthOf, bold);
      sink.write(lines.head());
    }
    sink.write(lines.lines(batch));
  });
  if (lines === undefined) sink.write(tableLines(columns, [], (text) => text.length, bold).head());
  return count;
}

/** Rows in batches, from synchronous or asynchronous sources. */
async function eachBatch(
  rows: Rows,
  handle: (batch: readonly object[]) => void | Promise<void>,
): Promise<number> {
  let count = 0;
  let batch: object[] = [];
  const flush = async (): Promise<void> => {
    count += batch.length;
    await handle(batch);
    batch = [];
  };
  if (Symbol.iterator in rows) {
    for (const row of rows) if (batch.push(row) === BATCH) await flush();
  } else {
    for await (const row of rows) if (batch.push(row) === BATCH) await flush();
  }
  if (batch.length > 0) await flush();
  return count;
}
