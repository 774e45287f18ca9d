import { UNDERLAY_DEL } from '../commands/underlay.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { UNDERLAY } from '../schemas/overlay.js';
import { ask, type Outcome, planOutcome, valuesOf } from './verb.js';

/** dpctl underlay del. */
export async function run(call: Call): Promise<Outcome> {
  const { dryRun = false } = valuesOf(UNDERLAY_DEL, call).options;
  const change = await ask(call, 'underlay del', { dryRun });
  if (dryRun) return planOutcome(change);
  const { underlay, notes } = change;
  return {
    data: listOf(UNDERLAY, underlay === undefined ? [] : [underlay]),
    dataIfAsked: true,
    done: [
      underlay === undefined
        ? 'unchanged: there is no underlay'
        : `underlay ${underlay.ifname} deleted`,
    ],
    notes,
  };
}
