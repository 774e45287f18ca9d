import { NETWORK_DEL } from '../commands/network.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { NETWORK } from '../schemas/control.js';
import { ask, type Outcome, planOutcome, valuesOf } from './verb.js';

/** dpctl network del NAME. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(NETWORK_DEL, call);
  const { dryRun = false } = options;
  const change = await ask(call, 'network del', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const { network, changed, notes } = change;
  return {
    data: listOf(NETWORK, network === undefined ? [] : [network]),
    dataIfAsked: true,
    done: [
      changed ? `network ${args.name} deleted` : `unchanged: there is no network ${args.name}`,
    ],
    notes,
  };
}
