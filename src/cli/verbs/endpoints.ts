import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { ENDPOINT } from '../schemas/control.js';
import { ask, type Outcome } from './verb.js';

/** dpctl endpoints. */
export async function run(call: Call): Promise<Outcome> {
  return { data: listOf(ENDPOINT, await ask(call, 'endpoints', {})) };
}
