import { LAB_LIST } from '../commands/lab.js';
import type { Call } from '../parse.js';
import { LAB } from '../schemas/overlay.js';
import { type Outcome, valuesOf } from './verb.js';

/** dpctl lab list. */
export async function run(call: Call): Promise<Outcome> {
  const { name } = valuesOf(LAB_LIST, call).options;
  const { labRows } = await import('../../lab/lab.js');
  return { data: { kind: 'rows', schema: LAB, rows: labRows(call.globals.root, name) } };
}
