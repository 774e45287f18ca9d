import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { NODE } from '../schemas/overlay.js';
import { ask, type Outcome } from './verb.js';

/** dpctl node list. */
export async function run(call: Call): Promise<Outcome> {
  return { data: listOf(NODE, await ask(call, 'node list', {})) };
}
