/** MTUs of endpoints: that of the underlay, less the outer headers. */

import { familyOf } from '../address/ip.js';
import { putEndpoint } from '../endpoint/edits.js';
import { MTU_MIN, MTU_MIN_IP6 } from '../state/names.js';
import type { Endpoint, ResolvedUnderlay, State } from '../state/state.js';
import { OVERHEAD } from './underlay.js';

/** MTU of an endpoint on a node without an underlay, in bytes of layer 3: Ethernet's. */
const DEFAULT_MTU = 1500;

/** Size of the largest packet that reaches another node unfragmented, in bytes of layer 3. */
export function overlayMtu({ mtu, vtep }: ResolvedUnderlay): number {
  return mtu - OVERHEAD[familyOf(vtep)];
}

/** Default MTU of an endpoint, in bytes of layer 3. */
export function defaultMtu({ resolvedUnderlay: resolved }: State): number {
  return resolved === undefined ? DEFAULT_MTU : overlayMtu(resolved);
}

/**
 * A state in which the endpoints without an MTU of their own have the underlay's. While the requested
 * underlay cannot be used, they keep their MTU: it will be back. With an IPv6 address the MTU stays at IPv6's
 * minimum, below which the kernel would remove the address.
 */
export function followMtu(state: State): State {
  if (state.underlay !== undefined && state.resolvedUnderlay === undefined) return state;
  let next = state;
  for (const endpoint of state.endpoints) {
    if (endpoint.mtuFollows !== true) continue;
    const mtu = followedMtu(endpoint, defaultMtu(state));
    if (mtu !== endpoint.mtu) next = putEndpoint(next, { ...endpoint, mtu });
  }
  return next;
}

function followedMtu({ ip6 }: Endpoint, mtu: number): number {
  return Math.max(mtu, ip6 === undefined ? MTU_MIN : MTU_MIN_IP6);
}

/** The endpoints whose largest packets do not fit into the underlay. */
export function oversized({ resolvedUnderlay: resolved, endpoints }: State): Endpoint[] {
  if (resolved === undefined) return [];
  const most = overlayMtu(resolved);
  return endpoints.filter(({ mtu, phase }) => mtu > most && phase !== 'detaching');
}
