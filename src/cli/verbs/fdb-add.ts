import { FDB_ADD } from '../commands/fdb.js';
import type { Call } from '../parse.js';
import { FDB_ADDED } from '../schemas/control.js';
import { nodeOf, type Outcome, planOutcome, rounded, valuesOf } from './verb.js';

/** dpctl fdb add MAC NS. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(FDB_ADD, call);
  const { dryRun = false, ...where } = options;
  const node = await nodeOf(call);
  const { fdbAdd } = await import('../../control/api.js');
  const change = await fdbAdd(node, { ...args, ...where }, { dryRun });
  if (dryRun) return planOutcome(change);
  const { changed, entries, notes, milliseconds } = change;
  const [entry] = entries;
  if (entry === undefined) throw new Error('fdb add came back without an entry');
  const { mac, ns, network } = entry;
  return {
    data: {
      kind: 'object',
      schema: FDB_ADDED,
      row: { ...entry, changed, milliseconds: rounded(milliseconds) },
    },
    dataIfAsked: true,
    done: [`fdb ${mac} ${changed ? 'added' : 'unchanged'}: behind ${ns} on ${network}`],
    notes,
  };
}
