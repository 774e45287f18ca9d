import { FDB_FLUSH } from '../commands/fdb.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { dumpSchema } from '../schemas/dump.js';
import { count } from './reconcile.js';
import { ask, type Outcome, valuesOf } from './verb.js';

/** dpctl fdb flush. */
export async function run(call: Call): Promise<Outcome> {
  const { options } = valuesOf(FDB_FLUSH, call);
  const { entries, notes } = await ask(call, 'fdb flush', options);
  return {
    data: listOf(dumpSchema('fdb'), entries),
    dataIfAsked: true,
    done: [
      entries.length === 0
        ? 'unchanged: nothing was learned'
        : `fdb flushed: ${count(entries.length, 'learned MAC')}`,
    ],
    notes,
  };
}
