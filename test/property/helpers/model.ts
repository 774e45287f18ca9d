/**
 * What a node should be after any sequence of commands, told without the control core: maps of
 * names and addresses, and the answer that each command must give.
 */

/** Addresses of a network's IPv4 subnet that hosts can have: a /29 fills up quickly. */
const HOSTS = [1, 2, 3, 4, 5, 6] as const;

export interface ModelNetwork {
  readonly name: string;
  /** Third byte of its IPv4 subnet, and what its IPv6 subnet is told by. */
  readonly number: number;
  readonly vni: number;
  ageing: number;
  gateway: boolean;
  masquerade: boolean;
}

export interface ModelEndpoint {
  readonly ns: string;
  /** Which of the namespaces that had this name one after the other. */
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
  /** Namespaces that are there, and how often one of that name was made. */
  readonly namespaces: Map<string, number>;
  readonly lives: Map<string, number>;
  endpoints: readonly ModelEndpoint[];
  /** MAC -> endpoint, by network. */
  readonly statics: Map<string, ModelEndpoint>;
  /** Endpoints whose device somebody deleted. */
  readonly broken: Set<ModelEndpoint>;
}

/** A node of which nothing is asked, beside namespaces of these names. */
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

/** True while the namespace that the endpoint was attached in is there. */
export function isAlive({ namespaces }: Model, { ns, life }: ModelEndpoint): boolean {
  return namespaces.get(ns) === life;
}

/** Endpoints whose namespace is gone, or whose device is. */
export function damaged(model: Model): ModelEndpoint[] {
  return model.endpoints.filter((each) => model.broken.has(each) || !isAlive(model, each));
}

/** The endpoints on a network. What a gone one had is free. */
export function membersOf(model: Model, network: string): ModelEndpoint[] {
  return model.endpoints.filter((each) => each.network === network && isAlive(model, each));
}

/** The endpoint of a namespace that is there. */
export function endpointAt(model: Model, ns: string, ifname: string): ModelEndpoint | undefined {
  return model.endpoints.find(
    (each) => each.ns === ns && each.ifname === ifname && isAlive(model, each),
  );
}

/** What attach must do: the endpoint, or the code of the refusal. */
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
  // The first address goes last: it is kept for a gateway.
  const host = [...HOSTS.slice(1), 1].find((each) => !taken.has(each));
  if (host === undefined) return 'SUBNET_FULL';
  let host6 = 2;
  while (taken6.has(host6)) host6++;
  const life = model.namespaces.get(ns) ?? 0;
  return { ns, life, ifname, network: name, host, host6, lock: true };
}

/** attach was done. */
export function didAttach(model: Model, endpoint: ModelEndpoint): void {
  didChange(model);
  if (!model.endpoints.includes(endpoint)) model.endpoints = [...model.endpoints, endpoint];
  model.broken.delete(endpoint);
}

/** Forget endpoints, and what is static behind them. */
export function drop(model: Model, picks: (endpoint: ModelEndpoint) => boolean): void {
  for (const endpoint of model.endpoints.filter(picks)) {
    model.broken.delete(endpoint);
    for (const [mac, behind] of model.statics) if (behind === endpoint) model.statics.delete(mac);
  }
  model.endpoints = model.endpoints.filter((each) => !picks(each));
}

/** A command was done, whatever it was about: endpoints that are dead are dropped. */
export function didChange(model: Model): void {
  drop(model, (each) => !isAlive(model, each));
}

/** reconcile was done: what is dead is dropped, what was broken is whole. */
export function didReconcile(model: Model): void {
  didChange(model);
  model.broken.clear();
}

/** The lowest VNI that no network has. */
export function freeVni({ networks }: Model): number {
  const taken = new Set([...networks.values()].map(({ vni }) => vni));
  let vni = 1;
  while (taken.has(vni)) vni++;
  return vni;
}
