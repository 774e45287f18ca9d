/**
 * The expected state of a node after any sequence of commands, computed without the control code: maps of
 * names and addresses, and the result that each command must have.
 */

/** Host addresses of a network's IPv4 subnet: a /29 fills up quickly. */
const HOSTS = [1, 2, 3, 4, 5, 6] as const;

export interface ModelNetwork {
  readonly name: string;
  /** Third byte of its IPv4 subnet; it also identifies the IPv6 subnet. */
  readonly number: number;
  readonly vni: number;
  ageing: number;
  gateway: boolean;
  masquerade: boolean;
}

export interface ModelEndpoint {
  readonly ns: string;
  /** Which of the successive namespaces with this name. */
  readonly life: number;
  readonly ifname: string;
  readonly network: string;
  /** Last byte of the IPv4 address. */
  readonly host: number;
  /** Last group of the IPv6 address. */
  readonly host6: number;
  lock: boolean;
}

export interface Model {
  readonly networks: Map<string, ModelNetwork>;
  /** Existing namespaces, and how often one of each name was created. */
  readonly namespaces: Map<string, number>;
  readonly lives: Map<string, number>;
  endpoints: readonly ModelEndpoint[];
  /** MAC -> endpoint, by network. */
  readonly statics: Map<string, ModelEndpoint>;
  /** Endpoints whose device was deleted by hand. */
  readonly broken: Set<ModelEndpoint>;
}

/** A node without any request, and namespaces of these names. */
export function newModel(names: readonly string[]): Model {
  return {
    networks: new Map(),
    namespaces: new Map(names.map((name) => [name, 1])),
    lives: new Map(names.map((name) => [name, 1])),
    endpoints: [],
    statics: new Map(),
    broken: new Set(),
  };
}

export const subnet4 = ({ number }: ModelNetwork): string => `10.77.${number}.0/29`;
export const subnet6 = ({ number }: ModelNetwork): string => `fd77:${number}::/64`;
export const address4 = ({ number }: ModelNetwork, host: number): string =>
  `10.77.${number}.${host}`;
export const address6 = ({ number }: ModelNetwork, host: number): string =>
  `fd77:${number}::${host}`;

/** True while the namespace that was attached exists. */
export function isAlive({ namespaces }: Model, { ns, life }: ModelEndpoint): boolean {
  return namespaces.get(ns) === life;
}

/** Endpoints whose namespace or device is gone. */
export function damaged(model: Model): ModelEndpoint[] {
  return model.endpoints.filter((each) => model.broken.has(each) || !isAlive(model, each));
}

/** The endpoints on a network. Addresses of gone endpoints are free. */
export function membersOf(model: Model, network: string): ModelEndpoint[] {
  return model.endpoints.filter((each) => each.network === network && isAlive(model, each));
}

/** The endpoint of an existing namespace. */
export function endpointAt(model: Model, ns: string, ifname: string): ModelEndpoint | undefined {
  return model.endpoints.find(
    (each) => each.ns === ns && each.ifname === ifname && isAlive(model, each),
  );
}

/** The expected result of attach: the endpoint, or the code of the refusal. */
export function expectAttach(
  model: Model,
  ns: string,
  ifname: string,
  name: string,
): ModelEndpoint | string {
  const self = endpointAt(model, ns, ifname);
  if (self !== undefined) return self.network === name ? self : 'ENDPOINT_EXISTS';
  const network = model.networks.get(name);
  if (network === undefined) return 'NETWORK_NOT_FOUND';
  const others = membersOf(model, name);
  const taken = new Set(others.map(({ host }) => host));
  const taken6 = new Set(others.map(({ host6 }) => host6));
  if (network.gateway) taken.add(1);
  // The first address is assigned last: it is reserved for a gateway.
  const host = [...HOSTS.slice(1), 1].find((each) => !taken.has(each));
  if (host === undefined) return 'SUBNET_FULL';
  let host6 = 2;
  while (taken6.has(host6)) host6++;
  const life = model.namespaces.get(ns) ?? 0;
  return { ns, life, ifname, network: name, host, host6, lock: true };
}

/** Apply an attach. */
export function didAttach(model: Model, endpoint: ModelEndpoint): void {
  didChange(model);
  if (!model.endpoints.includes(endpoint)) model.endpoints = [...model.endpoints, endpoint];
  model.broken.delete(endpoint);
}

/** Remove endpoints, and the static entries behind them. */
export function drop(model: Model, picks: (endpoint: ModelEndpoint) => boolean): void {
  for (const endpoint of model.endpoints.filter(picks)) {
    model.broken.delete(endpoint);
    for (const [mac, behind] of model.statics) if (behind === endpoint) model.statics.delete(mac);
  }
  model.endpoints = model.endpoints.filter((each) => !picks(each));
}

/** Apply any command: dead endpoints are removed. */
export function didChange(model: Model): void {
  drop(model, (each) => !isAlive(model, each));
}

/** Apply a reconcile: dead endpoints are removed, broken ones repaired. */
export function didReconcile(model: Model): void {
  didChange(model);
  model.broken.clear();
}

/** The lowest unused VNI. */
export function freeVni({ networks }: Model): number {
  const taken = new Set([...networks.values()].map(({ vni }) => vni));
  let vni = 1;
  while (taken.has(vni)) vni++;
  return vni;
}
