import { DUMP } from '../commands/observe.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { dumpSchema } from '../schemas/dump.js';
import { ask, type Outcome, valuesOf } from './verb.js';

/** dpctl dump [TABLE]. */
export async function run(call: Call): Promise<Outcome> {
  const { table = 'fdb' } = valuesOf(DUMP, call).args;
  return { data: listOf(dumpSchema(table), await ask(call, 'dump', { table })) };
}
