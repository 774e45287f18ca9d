/**
 * Tables as kubectl prints them: upper-case heads, two spaces between columns, no boxes. Nothing is ever cut
 * or wrapped, on a terminal or elsewhere, and an empty cell is `-`, so that awk counts columns correctly.
 */
import { printable } from '../output.js';
import { type Column, fieldOf, headOf, type Schema } from '../schemas/schema.js';

/** The width of a text on a screen. */
type Widths = (text: string) => number;

const GAP = '  ';
const ASCII = /^[\x20-\x7e]*$/;

/** The visible columns of a schema. */
export function shownColumns(schema: Schema, wide: boolean): Column[] {
  return schema.columns.filter((column) => wide || !column.wide);
}

/** A value as a cell. */
function cellOf(row: object, column: Column): string {
  const value = fieldOf(row, column.key);
  if (value === undefined || value === null || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? '-' : printable(value.join(','));
  if (typeof value === 'number' && column.show !== undefined) return column.show(value);
  return typeof value === 'string' ? printable(value) : String(value);
}

/** Makes a table's lines, with widths determined from the first rows. */
export interface TableLines {
  head(): string;
  lines(rows: readonly object[]): string;
}

/**
 * @param sample the first rows: all of them, or enough to determine the widths; a later row that is wider is
 *   printed whole and breaks the alignment
 * @param widthOf columns on a screen of a text that is not ASCII
 */
export function tableLines(
  columns: readonly Column[],
  sample: readonly object[],
  widthOf: Widths,
  bold: (text: string) => string = (text) => text,
): TableLines {
  const screen: Widths = (text) => (ASCII.test(text) ? text.length : widthOf(text));
  const heads = columns.map(headOf);
  const widths = columns.map((column, index) =>
    sample.reduce(
      (widest: number, row) => Math.max(widest, screen(cellOf(row, column))),
      Math.max(column.width ?? 0, heads[index]?.length ?? 0),
    ),
  );
  const line = (cells: readonly string[]): string => {
    let text = '';
    for (const [index, cell] of cells.entries()) {
      const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - screen(cell)));
      text +=
        (index > 0 ? GAP : '') + (columns[index]?.type === 'number' ? space + cell : cell + space);
    }
    return text.trimEnd();
  };
  return {
    head: () => `${bold(line(heads))}\n`,
    lines: (rows) =>
      rows.map((row) => `${line(columns.map((column) => cellOf(row, column)))}\n`).join(''),
  };
}

/** Whether texts need their width computed: string-width is loaded only then. */
export function needsWidths(rows: readonly object[], columns: readonly Column[]): boolean {
  return rows.some((row) => columns.some((column) => !ASCII.test(cellOf(row, column))));
}
