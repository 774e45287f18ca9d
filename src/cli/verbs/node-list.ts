import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { NODE } from '../schemas/overlay.js';
import { nodeOf, type Outcome } from './verb.js';

/** dpctl node list. */
export async function run(call: Call): Promise<Outcome> {
  const node = await nodeOf(call);
  const { nodeList } = await import('../../control/underlay/nodes.js');
  return { data: listOf(NODE, await nodeList(node)) };
}
