import { NODE_ADD } from '../commands/node.js';
import type { Call } from '../parse.js';
import { oneOf } from '../render/render.js';
import { NODE_ADDED } from '../schemas/overlay.js';
import { ask, type Outcome, planOutcome, rounded, valuesOf, words } from './verb.js';

/** dpctl node add NAME. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(NODE_ADD, call);
  const { dryRun = false } = options;
  const change = await ask(call, 'node add', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const { node: row, changed, created, milliseconds, notes } = change;
  if (row === undefined) throw new Error('node add came back without a node');
  const what = created ? 'added' : changed ? 'changed' : 'unchanged';
  return {
    data: oneOf(NODE_ADDED, { ...row, changed, milliseconds: rounded(milliseconds) }),
    dataIfAsked: true,
    done: [`node ${row.name} ${what}: ${words(row.dst, ...row.prefixes)}`],
    notes,
  };
}
