/** Rows as JSON: a list is one array with an object on each line, so that grep and diff work. */
import { fieldOf, type Schema } from '../schemas/schema.js';

/** A function from a row to the object that is printed, under the keys that iproute2 would use. */
export function jsonRow(schema: Schema): (row: object) => object {
  const renamed = schema.columns.filter(({ key, json }) => json !== undefined && json !== key);
  if (renamed.length === 0) return (row) => row;
  const names = new Map(schema.columns.map(({ key, json }) => [key, json ?? key]));
  return (row) =>
    Object.fromEntries(Object.keys(row).map((key) => [names.get(key) ?? key, fieldOf(row, key)]));
}

/** The text before an array's element; `first` opens the array. */
export function jsonStart(first: boolean): string {
  return first ? '[' : ',\n ';
}

/** One chunk of an array's elements; `first` opens the array. */
export function jsonElements(rows: readonly object[], first: boolean): string {
  let text = '';
  let separator = jsonStart(first);
  for (const row of rows) {
    text += separator + JSON.stringify(row);
    separator = jsonStart(false);
  }
  return text;
}

/** The end of the array: all of it if there was no element. */
export function jsonEnd(empty: boolean): string {
  return empty ? '[]\n' : ']\n';
}
