import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { ENDPOINT } from '../schemas/control.js';
import { nodeOf, type Outcome } from './verb.js';

/** dpctl endpoints. */
export async function run(call: Call): Promise<Outcome> {
  const node = await nodeOf(call);
  const { endpointList } = await import('../../control/endpoint/list.js');
  return { data: listOf(ENDPOINT, await endpointList(node)) };
}
