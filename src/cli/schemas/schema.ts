/**
 * The shape of rows: keys, types and column heads. One schema for each table; tables, JSON, YAML and the docs
 * are made from it.
 */
import type { Hint } from '../../../loader/hint.js';
import type { ChangedRow } from '../../api/change.js';

/** One value of a row. Numbers are right-aligned; tables join a list with commas. */
export interface Column {
  /** The row's property. */
  readonly key: string;
  /** Key in JSON and YAML, in iproute2's style; by default the property itself. */
  readonly json?: string;
  readonly type: 'text' | 'number' | 'list' | 'boolean';
  /** Unit of a number; goes into the head: `AGE(s)`. */
  readonly unit?: string;
  /** Shown in tables only with -o wide. */
  readonly wide?: boolean;
  /** Minimum width in a table, as later rows may be longer than the first ones. */
  readonly width?: number;
  /** Formats a number in tables, if it differs from JSON. */
  show?(value: number): string;
  /** One line for the docs. */
  readonly doc: string;
}

/** The rows of one table. Without a type it stands for any rows. */
export interface Schema<Row = never> {
  /** Never set: it lets the compiler distinguish schemas of different rows. */
  readonly of?: (row: Row) => void;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Key of the value that -o name prints. */
  readonly nameKey: string;
  /** Printed on stderr when a table has no rows. */
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
 * A schema for the rows of a type. The compiler refuses columns that the rows do not have, columns of another
 * type, and fields without a column.
 */
export function schemaOf<Row>() {
  return <const Columns extends readonly ColumnOf<Row>[]>(
    schema: Omit<Schema, 'columns' | 'of'> & { readonly columns: Complete<Row, Columns> },
  ): Schema<Row> => schema;
}

/** A schema for rows that extend those of another: its columns follow, under the same checks. */
export function schemaWith<More>() {
  return <Row, const Columns extends readonly ColumnOf<More>[]>(
    base: Schema<Row>,
    name: string,
    columns: Complete<More, Columns>,
  ): Schema<Row & More> =>
    ({ ...base, name, columns: [...base.columns, ...columns] }) as Schema<Row & More>;
}

const CHANGE = [
  { key: 'changed', type: 'boolean', wide: true, doc: 'false if nothing had to change' },
  { key: 'milliseconds', type: 'number', unit: 'ms', wide: true, doc: 'how long it took' },
] as const satisfies readonly Column[];

/** A schema for what a change reports: the row, and what was done to it. */
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
