import { RECONCILE } from '../commands/observe.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { PLAN } from '../schemas/control.js';
import { anyNodeOf, nodeOf, type Outcome, planOutcome, took, valuesOf, words } from './verb.js';

/** dpctl reconcile. */
export async function run(call: Call): Promise<Outcome> {
  const { dryRun = false, adopt = false } = valuesOf(RECONCILE, call).options;
  const node = await (adopt && !dryRun ? anyNodeOf(call) : nodeOf(call));
  const { adoptNamespace } = await import('../../control/node/namespace.js');
  const { reconcile } = await import('../../control/node/reconcile.js');
  if (adopt && !dryRun) await adoptNamespace(node);
  const { changed, plan, notes, milliseconds } = await reconcile(node, { dryRun });
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

/** `1 step`, `2 steps`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
