/** Desired state as rows for lists and results. */

import type { EndpointRow } from '../../api/endpoint.js';
import type { NetworkRow } from '../../api/network.js';
import type { RemoteNodeRow } from '../../api/remote-node.js';
import { driverOf, isGateway, portOf, wantedPorts } from '../../model/desired/desired.js';
import { labelTexts, ownerText } from '../../model/endpoint/labels.js';
import { prefixTexts } from '../../model/overlay/node-prefixes.js';
import type { Endpoint, Network, State } from '../../model/state/state.js';

/** Rows of the endpoints that users attached, by number. */
export function endpointRows(
  state: State,
  picks: (endpoint: Endpoint) => boolean = () => true,
): EndpointRow[] {
  const networks = new Map(state.networks.map((network) => [network.name, network]));
  return state.endpoints
    .filter((endpoint) => !isGateway(endpoint) && picks(endpoint))
    .flatMap((endpoint) => {
      const network = networks.get(endpoint.network);
      return network === undefined ? [] : [endpointRow(endpoint, network)];
    });
}

function endpointRow(endpoint: Endpoint, network: Network): EndpointRow {
  const { addresses } = portOf(endpoint, network);
  return {
    ns: endpoint.namespace.ref,
    ifname: endpoint.ifname,
    network: network.name,
    vni: network.vni,
    mac: endpoint.mac,
    ip4: addresses.find((address) => !address.includes(':')) ?? '',
    ip6: addresses.find((address) => address.includes(':')) ?? '',
    mtu: endpoint.mtu,
    hostIfname: endpoint.hostIfname,
    ifindex: endpoint.ifindex,
    driver: driverOf(endpoint),
    id: endpoint.id,
    state: endpoint.phase,
    flags: [
      ...(endpoint.lock ? ['lock'] : ['learn']),
      ...(endpoint.isolated ? ['isolated'] : []),
      ...(endpoint.adopted === undefined ? [] : ['adopted']),
    ],
    allowPrefixes: endpoint.allowPrefixes,
    owner: ownerText(endpoint.owner),
    labels: labelTexts(endpoint.labels),
  };
}

/** Rows of the other nodes, by number. */
export function remoteNodeRows({ nodes }: State): RemoteNodeRow[] {
  return nodes.map((node) => ({
    name: node.name,
    dst: node.vtep,
    number: node.number,
    prefixes: prefixTexts(node),
  }));
}

/** Rows of all networks, by name. */
export function networkRows(state: State): NetworkRow[] {
  const counts = new Map<string, number>();
  for (const { endpoint } of wantedPorts(state)) {
    if (isGateway(endpoint)) continue;
    counts.set(endpoint.network, (counts.get(endpoint.network) ?? 0) + 1);
  }
  return state.networks
    .map((network) => networkRow(network, counts.get(network.name) ?? 0))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function networkRow(network: Network, endpoints: number): NetworkRow {
  const { gateway } = network;
  return {
    name: network.name,
    vni: network.vni,
    subnet4: network.subnet4 ?? '',
    subnet6: network.subnet6 ?? '',
    range4: network.range4 ?? '',
    range6: network.range6 ?? '',
    own4: network.own4 ?? '',
    own6: network.own6 ?? '',
    ageing: network.ageing,
    gateway: [gateway?.ip4, gateway?.ip6].filter((ip) => ip !== undefined).join(','),
    endpoints,
    groupFwdMask: network.groupFwdMask ?? 0,
    flags: [
      ...(network.masquerade ? ['masquerade'] : []),
      ...(network.bigTcp ? ['big-tcp'] : []),
      ...(network.routeBetween === true ? ['route-between'] : []),
      ...(network.floodUnknown === false ? ['no-flood-unknown'] : []),
      ...(network.learnNodes === false ? ['no-learn-nodes'] : []),
    ],
  };
}
