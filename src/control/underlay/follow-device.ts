/** Adjust the recorded underlay to the device's current state, before anything is planned. */

import { isDeepStrictEqual } from 'node:util';
import { DpctlError, isShortage } from '../../../loader/errors.js';
import { advice, type Hint, run } from '../../../loader/hint.js';
import { isGateway } from '../../model/desired/desired.js';
import { followMtu, overlayMtu, oversized } from '../../model/overlay/mtu.js';
import { endpointLabel, listText } from '../../model/state/lookup.js';
import type { State } from '../../model/state/state.js';
import type { Node } from '../node/node.js';
import { type ResolveOptions, resolveUnderlay } from './resolve.js';

/** A state with the current underlay. */
export interface Followed {
  readonly state: State;
  /** Why the requested underlay cannot be used; other nodes are unreachable meanwhile. */
  readonly problem: DpctlError | undefined;
}

/**
 * Follow the device: its number, MTU and address. Endpoints without an MTU of their own follow too. An
 * unusable underlay is no error here: the rest of the node works without it.
 */
export function followUnderlay(
  node: Node,
  before: State,
  state: State,
  options: ResolveOptions,
): Followed {
  const { underlay } = state;
  if (underlay === undefined)
    return { state: followMtu(withoutResolved(state)), problem: undefined };
  try {
    const resolved = resolveUnderlay(node, knownOf(before, state), { ...state, underlay }, options);
    // Keep the same object if the value is equal: the store and others compare identities.
    const same = isDeepStrictEqual(resolved, before.resolvedUnderlay);
    return {
      state: followMtu({ ...state, resolvedUnderlay: same ? before.resolvedUnderlay : resolved }),
      problem: undefined,
    };
  } catch (error) {
    if (!(error instanceof DpctlError) || error.code.startsWith('KERNEL_') || isShortage(error))
      throw error;
    return { state: followMtu(withoutResolved(state)), problem: error };
  }
}

function withoutResolved(state: State): State {
  if (state.resolvedUnderlay === undefined) return state;
  const { resolvedUnderlay: _resolved, ...rest } = state;
  return rest;
}

/** An edit that dropped the choice wants a new one: what was refused may be possible by now. */
function knownOf(before: State, { resolvedUnderlay: resolved }: State): State {
  if (resolved !== undefined || before.resolvedUnderlay === undefined) return before;
  return { ...before, resolvedUnderlay: { ...before.resolvedUnderlay, refused: [] } };
}

/** Notes for the user about a change of the underlay, or about what does not fit into it. */
export function underlayNotes(
  before: State,
  after: State,
  problem: DpctlError | undefined,
): Hint[] {
  const notes: Hint[] = [];
  if (problem !== undefined && before.resolvedUnderlay !== undefined) {
    notes.push(`other nodes are unreachable: ${problem.message}`);
  }
  const [was, is] = [before.resolvedUnderlay?.vtep, after.resolvedUnderlay?.vtep];
  if (was !== undefined && is !== undefined && was !== is) {
    notes.push(
      advice`this node's address changed from ${was} to ${is}: update it on the other nodes (${run`node add NAME --vtep ${is}`})`,
    );
  }
  return [...notes, ...sizeNotes(before, after)];
}

/** Endpoints and networks that are new, or new on an underlay, and too large for it. */
function sizeNotes(before: State, after: State): Hint[] {
  const { resolvedUnderlay: resolved } = after;
  if (resolved === undefined) return [];
  const fresh = before.resolvedUnderlay?.mtu !== resolved.mtu;
  const known = new Set(fresh ? [] : oversized(before).map(({ id, mtu }) => `${id} ${mtu}`));
  // A gateway is as large as the largest endpoint of its network.
  const large = oversized(after).filter(
    (endpoint) => !isGateway(endpoint) && !known.has(`${endpoint.id} ${endpoint.mtu}`),
  );
  const big = after.networks.filter(
    ({ name, bigTcp }) =>
      bigTcp && (fresh || !before.networks.some((each) => each.name === name && each.bigTcp)),
  );
  return [
    ...(large.length === 0
      ? []
      : [
          `${listText(large.map(endpointLabel))}: packets of more than ${overlayMtu(resolved)} bytes do not reach other nodes (the underlay's MTU is ${resolved.mtu})`,
        ]),
    ...(big.length === 0
      ? []
      : [
          advice`${listText(big.map(({ name }) => `network ${name}`))}: packets of 192 KB to other nodes are segmented in software, which is slow (${run`network add NAME --no-big-tcp`})`,
        ]),
  ];
}
