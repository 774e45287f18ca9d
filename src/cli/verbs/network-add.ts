import type { NetworkRow } from '../../api/network.js';
import { AGEING_DEFAULT } from '../../model/state/names.js';
import { NETWORK_ADD } from '../commands/network.js';
import type { Call } from '../parse.js';
import { oneOf } from '../render/render.js';
import { NETWORK_ADDED } from '../schemas/control.js';
import { ask, type Outcome, planOutcome, rounded, valuesOf, words } from './verb.js';

/** dpctl network add NAME. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(NETWORK_ADD, call);
  const { dryRun = false } = options;
  const change = await ask(call, 'network add', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const { network, changed, created, milliseconds, notes } = change;
  if (network === undefined) throw new Error('network add came back without a network');
  const what = created ? 'added' : changed ? 'changed' : 'unchanged';
  return {
    data: oneOf(NETWORK_ADDED, { ...network, changed, milliseconds: rounded(milliseconds) }),
    dataIfAsked: true,
    done: [`network ${network.name} ${what}: ${networkText(network)}`],
    notes,
  };
}

/** A network in one line: `vni 2 10.1.0.0/16 gateway 10.1.0.1 masquerade`; the default ageing is left out. */
function networkText(network: NetworkRow): string {
  const { vni, subnet4, subnet6, own4, own6, ageing, gateway, groupFwdMask, flags } = network;
  return words(
    `vni ${vni}`,
    subnet4,
    subnet6,
    own4 && `own ${own4}`,
    own6 && `own ${own6}`,
    ageing === AGEING_DEFAULT ? '' : `ageing ${ageing} s`,
    gateway && `gateway ${gateway}`,
    groupFwdMask === 0 ? '' : `group-fwd-mask 0x${groupFwdMask.toString(16)}`,
    ...flags,
  );
}
