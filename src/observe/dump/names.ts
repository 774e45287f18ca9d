/** Names for the numbers in the kernel's tables: endpoints from desired state, networks by VNI. */
import { isShortage } from '../../../loader/errors.js';
import type { Node } from '../../control/node/node.js';
import { isGateway } from '../../model/desired/desired.js';
import { labelTexts, ownerText } from '../../model/endpoint/labels.js';
import type { State } from '../../model/state/state.js';

/** Names for numbers. A number without a name gives ''. */
export interface Names {
  network(vni: number): string;
  /** Namespace of an endpoint, `host` for a gateway. */
  ns(endpoint: number): string;
  /** Host end of an endpoint. */
  hostIfname(endpoint: number): string;
  /** Who made an endpoint; empty for a gateway. */
  owner(endpoint: number): string;
  /** Labels of an endpoint, KEY=VALUE each. */
  labels(endpoint: number): readonly string[];
  /** NS/IFNAME of an endpoint. */
  label(endpoint: number): string;
  /** Another node. */
  node(number: number): string;
}

/** Names from desired state; if the store cannot be read, only the names are missing. */
export async function namesOf(node: Node): Promise<Names> {
  let state: State | undefined;
  try {
    state = (await node.store.load()).state;
  } catch (error) {
    if (isShortage(error)) throw error;
    // The tables are all the more useful when the store is broken.
  }
  const networks = new Map(state?.networks.map(({ vni, name }) => [vni, name]));
  const endpoints = new Map(state?.endpoints.map((endpoint) => [endpoint.id, endpoint]));
  const ns = (id: number): string => {
    const endpoint = endpoints.get(id);
    if (endpoint === undefined) return '';
    return isGateway(endpoint) ? 'host' : endpoint.namespace.ref;
  };
  const nodes = new Map(state?.nodes.map(({ number, name }) => [number, name]));
  return {
    node: (number) => nodes.get(number) ?? '',
    network: (vni) => networks.get(vni) ?? '',
    ns,
    hostIfname: (id) => endpoints.get(id)?.hostIfname ?? '',
    owner: (id) => {
      const endpoint = endpoints.get(id);
      return endpoint === undefined || isGateway(endpoint) ? '' : ownerText(endpoint.owner);
    },
    labels: (id) => labelTexts(endpoints.get(id)?.labels),
    label: (id) => {
      const endpoint = endpoints.get(id);
      return endpoint === undefined ? `endpoint ${id}` : `${ns(id)}/${endpoint.ifname}`;
    },
  };
}
