import type { ChangeResult } from '../../api/change.js';
import { RECONCILE } from '../commands/observe.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { PLAN } from '../schemas/control.js';
import { ask, type Outcome, openAnyNodeOf, planOutcome, took, valuesOf, words } from './verb.js';

/** dpctl reconcile. */
export async function run(call: Call): Promise<Outcome> {
  const { dryRun = false, adopt = false } = valuesOf(RECONCILE, call).options;
  const change = await (adopt && !dryRun ? adopted(call) : ask(call, 'reconcile', { dryRun }));
  const { changed, plan, notes, milliseconds } = change;
  if (dryRun) return planOutcome({ plan, notes });
  const steps = plan.map(({ step, subject, detail }) => words(step, subject, detail));
  return {
    data: listOf(PLAN, plan),
    dataIfAsked: true,
    done: changed
      ? [...steps, `reconciled: ${count(plan.length, 'step')} (${took(milliseconds)})`]
      : ['unchanged'],
    notes,
  };
}

/** Done here, as no agent knows which namespace the caller is in. */
async function adopted(call: Call): Promise<ChangeResult> {
  const node = await openAnyNodeOf(call);
  const { adoptNamespace } = await import('../../control/node/namespace.js');
  const { reconcile } = await import('../../control/node/reconcile.js');
  await adoptNamespace(node);
  return reconcile(node);
}

/** `1 step`, `2 steps`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
