import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { NETWORK } from '../schemas/control.js';
import { ask, type Outcome } from './verb.js';

/** dpctl network list. */
export async function run(call: Call): Promise<Outcome> {
  return { data: listOf(NETWORK, await ask(call, 'network list', {})) };
}
