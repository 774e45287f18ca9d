/** Namespaces that exist but cannot be opened any more: nothing inside them can be changed. */

import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { type Port, wantedPorts } from '../../model/desired/desired.js';
import type { Observed } from '../../model/plan/observed.js';
import { endpointLabel } from '../../model/state/lookup.js';
import type { State } from '../../model/state/state.js';
import { type Failure, failureOf } from './endpoint-failures.js';

/**
 * Endpoints that an edit would change on the node but not inside their namespaces.
 * @param edited the requested state, before anything is derived from it
 * @param about endpoints that the command names
 * @throws DpctlError NETNS_HIDDEN, exit 3, for one of them
 */
export function unreachablePorts(
  before: State,
  edited: State,
  { ports }: Observed,
  about: ReadonlySet<number>,
): Failure[] {
  const failures: Failure[] = [];
  const were = new Map(wantedPorts(before).map((port) => [port.endpoint.id, port]));
  for (const port of wantedPorts(edited)) {
    const { endpoint } = port;
    const was = were.get(endpoint.id);
    if (was === undefined || ports.get(endpoint.id)?.namespace !== 'unreachable') continue;
    if (isDeepStrictEqual(inside(was), inside(port))) continue;
    const { ref, path } = endpoint.namespace;
    const error = new DpctlError(
      'NETNS_HIDDEN',
      `cannot change ${endpoint.ifname} of ${endpointLabel(endpoint)}: its namespace can no longer be opened by ${path}`,
      {
        exitCode: 3,
        hint: advice`${run`attach REF`}, where REF is a process in that namespace or a path to it; or ${run`detach ${ref}`}`,
        details: { ns: ref, path, ifname: endpoint.ifname },
      },
    );
    if (about.has(endpoint.id)) throw error;
    failures.push(failureOf(endpoint, error));
  }
  return failures;
}

/** The settings made inside the namespace. */
function inside({ endpoint: { mac, mtu }, addresses, gateways, gsoSize }: Port) {
  return { mac, mtu, addresses, gateways, gsoSize };
}
