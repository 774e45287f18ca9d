import type { EndpointRow } from '../../api/endpoint.js';
import { ATTACH } from '../commands/endpoint.js';
import type { Call } from '../parse.js';
import { oneOf } from '../render/render.js';
import { ATTACHED } from '../schemas/control.js';
import { ask, type Outcome, planOutcome, rounded, took, valuesOf, words } from './verb.js';

/** dpctl attach NS. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(ATTACH, call);
  const { dryRun = false } = options;
  const change = await ask(call, 'attach', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const [row] = change.endpoints;
  if (row === undefined) throw new Error('attach came back without an endpoint');
  const { changed, created, hook, milliseconds, notes } = change;
  return {
    data: oneOf(ATTACHED, { ...row, hook, changed, milliseconds: rounded(milliseconds) }),
    dataIfAsked: true,
    done: [
      `${!changed ? 'unchanged' : created ? 'attached' : 'changed'} ${row.ns}: ${endpointText(row)} (${words(row.driver === 'netkit' ? 'netkit,' : '', hook && `${hook},`, took(milliseconds))})`,
    ],
    notes,
  };
}

/** An endpoint in one line: `eth0 10.201.0.2/16 mac 0a:58:0a:c9:00:02 ifindex 7 mtu 1450`. */
function endpointText({ ifname, ip4, ip6, mac, ifindex, mtu }: EndpointRow): string {
  return words(ifname, ip4, ip6, `mac ${mac} ifindex ${ifindex} mtu ${mtu}`);
}
