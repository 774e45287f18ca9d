/** All schemas by name, for docs and tests. */
import * as bench from './bench.js';
import * as cluster from './cluster.js';
import * as control from './control.js';
import { dumpSchemas } from './dump.js';
import * as overlay from './overlay.js';
import type { Schema } from './schema.js';

/** @returns every schema that a command of the table names */
export function allSchemas(): ReadonlyMap<string, Schema> {
  const schemas: readonly Schema[] = [
    ...Object.values(control),
    ...Object.values(overlay),
    ...Object.values(cluster),
    ...Object.values(bench),
    ...dumpSchemas(),
  ];
  return new Map(schemas.map((schema) => [schema.name, schema]));
}
