import { COMPLETION } from '../commands/meta.js';
import { completionScript } from '../completion/scripts.js';
import type { Call } from '../parse.js';
import { type Outcome, valuesOf } from './verb.js';

/** dpctl completion SHELL. */
export async function run(call: Call): Promise<Outcome> {
  const { shell } = valuesOf(COMPLETION, call).args;
  return { data: { kind: 'text', text: completionScript(shell) } };
}
