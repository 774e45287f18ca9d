import type { UnderlayRow } from '../../api/underlay.js';
import { UNDERLAY_SET } from '../commands/underlay.js';
import type { Call } from '../parse.js';
import { oneOf } from '../render/render.js';
import { UNDERLAY_SET as SCHEMA } from '../schemas/overlay.js';
import { ask, type Outcome, planOutcome, rounded, took, valuesOf } from './verb.js';

/** dpctl underlay set DEV. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(UNDERLAY_SET, call);
  const { dryRun = false } = options;
  const change = await ask(call, 'underlay set', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const { underlay, changed, milliseconds, notes } = change;
  if (underlay === undefined) throw new Error('underlay set came back without an underlay');
  return {
    data: oneOf(SCHEMA, { ...underlay, changed, milliseconds: rounded(milliseconds) }),
    dataIfAsked: true,
    done: [
      `underlay ${underlay.ifname} ${changed ? 'set' : 'unchanged'}: ${underlayText(underlay)} (${took(milliseconds)})`,
    ],
    notes,
  };
}

/** An underlay in one line: `192.0.2.7 port 4789 mtu 1500, endpoints 1450, tc: eth1 passes ...`. */
function underlayText({ local, port, mtu, endpointMtu, decap, why }: UnderlayRow): string {
  return `${local} port ${port} mtu ${mtu}, endpoints ${endpointMtu}; ${decap}: ${why}`;
}
