import { advice, run as command } from '../../../loader/hint.js';
import { LAB_LIST } from '../commands/lab.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { LAB } from '../schemas/overlay.js';
import { type Outcome, valuesOf } from './verb.js';

/** dpctl lab list. */
export async function run(call: Call): Promise<Outcome> {
  const { name } = valuesOf(LAB_LIST, call).options;
  const { labRows } = await import('../../lab/lab.js');
  const rows = await labRows(call.globals.root, name);
  const ailing = new Set(rows.filter(({ state }) => state !== 'up').map(({ lab }) => lab));
  return {
    data: listOf(LAB, rows),
    notes: [...ailing].map((lab) => {
      const flag = lab === 'lab' ? [] : ['--name', lab];
      return advice`lab ${lab} is damaged: ${command`lab up ${flag}`} repairs it, ${command`lab down ${flag}`} removes it`;
    }),
  };
}
