import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { NETWORK } from '../schemas/control.js';
import { nodeOf, type Outcome } from './verb.js';

/** dpctl network list. */
export async function run(call: Call): Promise<Outcome> {
  const node = await nodeOf(call);
  const { networkList } = await import('../../control/network/network.js');
  return { data: listOf(NETWORK, await networkList(node)) };
}
