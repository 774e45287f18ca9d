import { LAB_DOWN } from '../commands/lab.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { LAB } from '../schemas/overlay.js';
import { type Outcome, valuesOf } from './verb.js';

/** dpctl lab down. */
export async function run(call: Call): Promise<Outcome> {
  const { name = 'lab' } = valuesOf(LAB_DOWN, call).options;
  const { labDown } = await import('../../lab/lab.js');
  const rows = await labDown(call.globals.root, name);
  return {
    data: listOf(LAB, rows ?? []),
    dataIfAsked: true,
    done: [rows === undefined ? `unchanged: there is no lab ${name}` : `lab ${name} is gone`],
  };
}
