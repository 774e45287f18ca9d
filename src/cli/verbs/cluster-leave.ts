import { CLUSTER_LEAVE } from '../commands/cluster.js';
import type { Call } from '../parse.js';
import { oneOf } from '../render/render.js';
import { CLUSTER } from '../schemas/cluster.js';
import { ask, type Outcome, rounded, valuesOf } from './verb.js';

/** dpctl cluster leave. */
export async function run(call: Call): Promise<Outcome> {
  const { options } = valuesOf(CLUSTER_LEAVE, call);
  const change = await ask(call, 'cluster leave', options);
  const { name, endpoints, changed, notes, milliseconds } = change;
  return {
    data: oneOf(CLUSTER, { name, endpoints, changed, milliseconds: rounded(milliseconds) }),
    dataIfAsked: true,
    done: [changed ? `node ${name} has left its cluster` : 'unchanged: this node is in no cluster'],
    notes,
  };
}
