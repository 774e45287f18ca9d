import { FDB_ADD } from '../commands/fdb.js';
import type { Call } from '../parse.js';
import { oneOf } from '../render/render.js';
import { FDB_ADDED } from '../schemas/control.js';
import { ask, type Outcome, planOutcome, rounded, valuesOf } from './verb.js';

/** dpctl fdb add MAC NS, or MAC --node NAME. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(FDB_ADD, call);
  const { dryRun = false } = options;
  const change = await ask(call, 'fdb add', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const { changed, entries, notes, milliseconds } = change;
  const [entry] = entries;
  if (entry === undefined) throw new Error('fdb add came back without an entry');
  const { mac, ns, node: remote, network } = entry;
  const where = remote === '' ? ns : `node ${remote}`;
  return {
    data: oneOf(FDB_ADDED, { ...entry, changed, milliseconds: rounded(milliseconds) }),
    dataIfAsked: true,
    done: [`fdb ${mac} ${changed ? 'added' : 'unchanged'}: behind ${where} on ${network}`],
    notes,
  };
}
