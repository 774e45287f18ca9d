import { FDB_DEL } from '../commands/fdb.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { dumpSchema } from '../schemas/dump.js';
import { ask, type Outcome, planOutcome, valuesOf } from './verb.js';

/** dpctl fdb del MAC. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(FDB_DEL, call);
  const { dryRun = false } = options;
  const change = await ask(call, 'fdb del', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const { changed, entries, notes } = change;
  const [entry] = entries;
  return {
    data: listOf(dumpSchema('fdb'), entries),
    dataIfAsked: true,
    done: [
      changed && entry !== undefined
        ? `fdb ${args.mac} deleted: it was on ${entry.network}`
        : `unchanged: there is no fdb ${args.mac}`,
    ],
    notes,
  };
}
