/** network add, del and list. */

import type { ChangeOptions } from '../../api/change.js';
import type {
  NetworkAddRequest,
  NetworkChange,
  NetworkDeleteRequest,
  NetworkRow,
} from '../../api/network.js';
import { networkOf } from '../../model/desired/desired.js';
import { addNetwork, deleteNetwork } from '../../model/network/networks.js';
import type { State } from '../../model/state/state.js';
import { change } from '../change/change.js';
import { networkRows } from '../endpoint/state-rows.js';
import type { Node } from '../node/node.js';
import { refuseConflicts } from '../underlay/conflicts.js';
import { refuseOwnNetworks } from './own-networks.js';

/**
 * Make a network, or change the settings of an existing one that differ (its ageing, its gateway ...). Its
 * endpoints are in scope, as some settings show inside them.
 * @throws DpctlError SUBNET_OVERLAP, exit 1, also if a gateway's subnet is one of the node's own; and those
 *   of {@link addNetwork}
 */
export async function networkAdd(
  node: Node,
  request: NetworkAddRequest,
  options: ChangeOptions = {},
): Promise<NetworkChange> {
  const changed = await change(node, options, (before) => {
    const { state } = addNetwork(before, request);
    refuseConflicts(node, before, state);
    refuseOwnNetworks(node, before, state, request.name);
    const endpoints = state.endpoints.filter(({ network }) => network === request.name);
    return {
      state,
      scope: {
        endpoints: new Set(endpoints.map(({ id }) => id)),
        networks: new Set([request.name]),
        nodes: remotesOf(before, request.name),
      },
      result: { created: networkOf(before, request.name) === undefined },
    };
  });
  const network = networkRows(changed.state).find(({ name }) => name === request.name);
  return network === undefined ? changed : { ...changed, network, ...changed.result };
}

/** Delete a network that has no endpoints. A missing network is no error. */
export async function networkDelete(
  node: Node,
  request: NetworkDeleteRequest,
  options: ChangeOptions = {},
): Promise<NetworkChange> {
  const changed = await change(node, options, (before) => {
    const gateways = before.endpoints.filter(({ network }) => network === request.name);
    return {
      state: deleteNetwork(before, request.name),
      scope: {
        endpoints: new Set(gateways.map(({ id }) => id)),
        networks: new Set([request.name]),
        nodes: remotesOf(before, request.name),
      },
      result: networkRows(before).find(({ name }) => name === request.name),
    };
  });
  const row = changed.result;
  return row === undefined ? changed : { ...changed, network: row };
}

/** Numbers of the nodes with static MACs or prefixes on a network: these entries carry its VNI. */
function remotesOf({ remoteFdb, nodes }: State, network: string): Set<number> {
  return new Set([
    ...remoteFdb.filter((each) => each.network === network).map(({ node }) => node),
    ...nodes
      .filter(({ prefixes }) => prefixes?.some((each) => each.network === network))
      .map(({ number }) => number),
  ]);
}

/** All networks. */
export async function networkList(node: Node): Promise<NetworkRow[]> {
  return networkRows((await node.store.load()).state);
}
