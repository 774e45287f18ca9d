import { NODE_DEL } from '../commands/node.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { NODE } from '../schemas/overlay.js';
import { ask, type Outcome, planOutcome, valuesOf } from './verb.js';

/** dpctl node del NAME. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(NODE_DEL, call);
  const { dryRun = false } = options;
  const change = await ask(call, 'node del', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const { node: row, notes } = change;
  return {
    data: listOf(NODE, row === undefined ? [] : [row]),
    dataIfAsked: true,
    done: [
      row === undefined
        ? `unchanged: there is no node ${args.name}`
        : `node ${row.name} deleted: ${row.dst}`,
    ],
    notes,
  };
}
