import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { UNDERLAY } from '../schemas/overlay.js';
import { nodeOf, type Outcome } from './verb.js';

/** dpctl underlay show. */
export async function run(call: Call): Promise<Outcome> {
  const node = await nodeOf(call);
  const { underlayShow } = await import('../../control/underlay/underlay.js');
  const underlay = await underlayShow(node);
  return {
    data: listOf(UNDERLAY, underlay === undefined ? [] : [underlay]),
  };
}
