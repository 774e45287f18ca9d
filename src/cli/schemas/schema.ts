/**
 * The shape of rows: which keys, of which type, under which heads. One schema a table; tables,
 * JSON, YAML and the docs are made from it.
 */
import type { Hint } from '../../../loader/hint.js';
import type { ChangedRow } from '../../api/change.js';

/** One value of a row. Numbers right-align; a list is joined by commas in tables. */
export interface Column {
  /** The row's property. */
  readonly key: string;
  /** Key in JSON and YAML, as iproute2 writes keys; the property itself when left out. */
  readonly json?: string;
  readonly type: 'text' | 'number' | 'list' | 'boolean';
  /** Unit of a number; goes into the head: `AGE(s)`. */
  readonly unit?: string;
  /** In tables only with -o wide. */
  readonly wide?: boolean;
  /** Least width in a table, where the first rows may be shorter than later ones. */
  readonly width?: number;
  /** How a number is written in tables, where that is not how JSON has it. */
  show?(value: number): string;
  /** One line for the docs. */
  readonly doc: string;
}

/** The rows of one table. Without a type it stands for rows of any. */
export interface Schema<Row = never> {
  /** Never set: it lets the compiler tell schemas of different rows apart. */
  readonly of?: (row: Row) => void;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Key of what -o name prints. */
  readonly nameKey: string;
  /** Said on stderr when a table has no rows. */
  readonly empty?: Hint;
}

/** How a value of a row is shown. */
type Shown<Value> = Value extends string
  ? 'text'
  : Value extends number
    ? 'number'
    : Value extends boolean
      ? 'boolean'
      : 'list';

/** A column for each field of a row, and of its type. */
type ColumnOf<Row> = {
  [Key in keyof Row & string]: Column & {
    readonly key: Key;
    readonly type: Shown<NonNullable<Row[Key]>>;
  };
}[keyof Row & string];

/** Columns that leave out no field of the rows. */
type Complete<Row, Columns extends readonly Column[]> = Columns &
  ([Exclude<keyof Row, Columns[number]['key']>] extends [never] ? unknown : never);

/**
 * A schema of the rows of a type. The compiler refuses a column that the rows do not have, one of
 * another type, and a field of the rows that has no column.
 */
export function schemaOf<Row>() {
  return <const Columns extends readonly ColumnOf<Row>[]>(
    schema: Omit<Schema, 'columns' | 'of'> & { readonly columns: Complete<Row, Columns> },
  ): Schema<Row> => schema;
}

/** A schema of rows that have more than those of another: its columns come behind, under the same checks. */
export function schemaWith<More>() {
  return <Row, const Columns extends readonly ColumnOf<More>[]>(
    base: Schema<Row>,
    name: string,
    columns: Complete<More, Columns>,
  ): Schema<Row & More> =>
    ({ ...base, name, columns: [...base.columns, ...columns] }) as Schema<Row & More>;
}

const CHANGE = [
  { key: 'changed', type: 'boolean', wide: true, doc: 'false when all was as asked already' },
  { key: 'milliseconds', type: 'number', unit: 'ms', wide: true, doc: 'how long it took' },
] as const satisfies readonly Column[];

/** A schema of what a change reports: the row, and what was done to it. */
export function withChange<Row>(base: Schema<Row>, name: string): Schema<ChangedRow<Row>> {
  return schemaWith<ChangedRow<object>>()(base, name, CHANGE);
}

/** A column's key in JSON. */
export function jsonKey(column: Column): string {
  return column.json ?? column.key;
}

/** `hostIfname` -> `HOST-IFNAME`, with the unit: `MTU(B)`. */
export function headOf(column: Column): string {
  const words = column.key
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toUpperCase();
  return column.unit === undefined ? words : `${words}(${column.unit})`;
}

/** A value of a row by its key; rows are plain objects of many interfaces. */
export function fieldOf(row: object, key: string): unknown {
  return (row as Readonly<Record<string, unknown>>)[key];
}
