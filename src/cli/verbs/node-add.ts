import { DpctlError } from '../../../loader/errors.js';
import { run as command } from '../../../loader/hint.js';
import { NODE_ADD } from '../commands/node.js';
import type { Call } from '../parse.js';
import { oneOf } from '../render/render.js';
import { NODE_ADDED } from '../schemas/overlay.js';
import { ask, type Outcome, planOutcome, rounded, valuesOf } from './verb.js';

/** dpctl node add NAME --vtep ADDRESS. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(NODE_ADD, call);
  const { dryRun = false, vtep } = options;
  if (vtep === undefined) {
    throw new DpctlError(
      'USAGE',
      `dpctl ${call.command.path} needs --vtep, the address of the node`,
      {
        exitCode: 1,
        hint: command`node add ${args.name} --vtep 192.0.2.7`,
      },
    );
  }
  const change = await ask(call, 'node add', { ...args, vtep, dryRun });
  if (dryRun) return planOutcome(change);
  const { node: row, changed, created, milliseconds, notes } = change;
  if (row === undefined) throw new Error('node add came back without a node');
  const what = created ? 'added' : changed ? 'changed' : 'unchanged';
  return {
    data: oneOf(NODE_ADDED, { ...row, changed, milliseconds: rounded(milliseconds) }),
    dataIfAsked: true,
    done: [`node ${row.name} ${what}: ${row.dst}`],
    notes,
  };
}
