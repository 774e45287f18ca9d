import { DUMP } from '../commands/observe.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { dumpSchema } from '../schemas/dump.js';
import { nodeOf, type Outcome, valuesOf } from './verb.js';

/** dpctl dump [TABLE]. */
export async function run(call: Call): Promise<Outcome> {
  const { table = 'fdb' } = valuesOf(DUMP, call).args;
  const node = await nodeOf(call);
  const { dump } = await import('../../observe/dump/dump.js');
  return { data: listOf(dumpSchema(table), await dump(node, table)) };
}
