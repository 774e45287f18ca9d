import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { UNDERLAY } from '../schemas/overlay.js';
import { ask, type Outcome } from './verb.js';

/** dpctl underlay show. */
export async function run(call: Call): Promise<Outcome> {
  return { data: listOf(UNDERLAY, await ask(call, 'underlay show', {})) };
}
