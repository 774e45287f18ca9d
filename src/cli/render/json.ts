/** Rows as JSON: a list is one array with an object a line, so that grep and diff work on it. */
import { fieldOf, type Schema } from '../schemas/schema.js';

/** A function from a row to the object that is printed, under the keys that iproute2 would use. */
export function jsonRow(schema: Schema): (row: object) => object {
  const renamed = schema.columns.filter(({ key, json }) => json !== undefined && json !== key);
  if (renamed.length === 0) return (row) => row;
  const names = new Map(schema.columns.map(({ key, json }) => [key, json ?? key]));
  return (row) =>
    Object.fromEntries(Object.keys(row).map((key) => [names.get(key) ?? key, fieldOf(row, key)]));
}

/** What stands before an array's element: `first` for the one that opens the array. */
export function jsonStart(first: boolean): string {
  return first ? '[' : ',\n ';
}

/** One chunk of an array's elements; `first` for the one that opens the array. */
export function jsonElements(rows: readonly object[], first: boolean): string {
  let text = '';
  let separator = jsonStart(first);
  for (const row of rows) {
    text += separator + JSON.stringify(row);
    separator = jsonStart(false);
  }
  return text;
}

/** What closes the array: all of it when there was no element. */
export function jsonEnd(empty: boolean): string {
  return empty ? '[]\n' : ']\n';
}
