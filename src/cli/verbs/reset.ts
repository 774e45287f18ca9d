import { DpctlError } from '../../../loader/errors.js';
import { run as command } from '../../../loader/hint.js';
import type { PlanRow } from '../../api/change.js';
import { RESET } from '../commands/observe.js';
import { printable, writeStderr } from '../output.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { PLAN } from '../schemas/control.js';
import { count } from './reconcile.js';
import { type Outcome, openAnyNodeOf, valuesOf, words } from './verb.js';

/** dpctl reset. The list is printed first, on stderr: stdout has only what was done. */
export async function run(call: Call): Promise<Outcome> {
  const { dryRun = false, yes = false } = valuesOf(RESET, call).options;
  const node = await openAnyNodeOf(call);
  const { reset, resetPlan } = await import('../../control/node/reset.js');
  const list = await resetPlan(node);
  if (dryRun) return { data: listOf(PLAN, list) };
  if (list.length > 0) {
    writeStderr(listText(list));
    if (!yes) await confirm(list.length);
  }
  const removed = list.length === 0 ? [] : await reset(node);
  return {
    data: listOf(PLAN, removed),
    dataIfAsked: true,
    done: [removed.length === 0 ? 'unchanged' : `removed ${count(removed.length, 'thing')}`],
  };
}

function listText(list: readonly PlanRow[]): string {
  const lines = list.map(
    ({ step, subject, detail }) => `  ${printable(words(step, subject, detail))}\n`,
  );
  return `to be removed:\n${lines.join('')}`;
}

async function confirm(things: number): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new DpctlError(
      'CONFIRM',
      `reset removes ${count(things, 'thing')} and cannot ask without a terminal`,
      {
        exitCode: 1,
        hint: command`reset --yes`,
      },
    );
  }
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // readline handles ^C itself; here it must interrupt as usual.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const answer = await new Promise<string>((resolve) => {
    lines.question(`remove ${count(things, 'thing')}? [y/N] `, resolve);
    // The terminal was closed, or ^D was typed: that does not confirm.
    lines.on('close', () => resolve(''));
  });
  lines.close();
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new DpctlError('CANCELLED', 'nothing was removed', { exitCode: 1 });
  }
}
