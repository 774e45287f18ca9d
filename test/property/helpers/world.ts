/** A real node to compare with the model, and its state in the kernel. */
import { DpctlError } from '../../../loader/errors.js';
import type { Node } from '../../../src/control/node/node.js';
import { addrDump } from '../../../src/linux/netlink/address.js';
import { linkDump } from '../../../src/linux/netlink/link.js';
import { withRtnl } from '../../../src/linux/netlink/socket.js';
import { closeNetns, openNetnsRef } from '../../../src/linux/netns.js';
import { invariants } from '../../../src/model/state/invariants.js';
import { status } from '../../../src/observe/status/status.js';
import type { Lab } from '../../system/helpers/lab.js';
import {
  address4,
  address6,
  damaged,
  isAlive,
  type Model,
  type ModelEndpoint,
  type ModelNetwork,
} from './model.js';
import {
  bare,
  endpointLines,
  fdbLines,
  hostLinks,
  mapped,
  neighLines,
  networkLines,
  rows,
} from './tables.js';

/** The target of the commands. */
export interface World {
  readonly lab: Lab;
  readonly node: Node;
  /** Full names of the namespaces by the model's letters. */
  readonly names: ReadonlyMap<string, string>;
}

/** Full name of a namespace. */
export function nameOf({ names }: World, ns: string): string {
  const name = names.get(ns);
  if (name === undefined) throw new Error(`no namespace ${ns}`);
  return name;
}

/** Run a command that must succeed, or must be refused with a code. */
export async function expecting<T>(
  code: string | undefined,
  command: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const result = await command();
    if (code === undefined) return result;
  } catch (error) {
    if (error instanceof DpctlError && error.code === code) return undefined;
    throw error;
  }
  throw new Error(`expected ${code}, and nothing was refused`);
}

/** Compare kernel, store and status with the model. Throws at the first difference. */
export async function compare(world: World, model: Model): Promise<void> {
  const { state } = await world.node.store.load();
  same('invariants', invariants(state), []);
  same('unfinished', state.unfinished ?? false, false);
  const uncertain = new Set(damaged(model));
  const certain = model.endpoints.filter((each) => !uncertain.has(each));
  compareTables(world, model, certain, uncertain.size > 0);
  for (const endpoint of certain) compareInside(world, model, endpoint);
  compareHost(world, model, certain, uncertain.size > 0);
  const report = await status(world.node);
  same('healthy', report.healthy ? [] : report.problems, uncertain.size > 0 ? report.problems : []);
  if (uncertain.size > 0 && report.healthy) throw new Error('status does not see the damage');
}

function same(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
}

/** All of `expected`, and nothing else unless `more` is allowed. */
function sameSet(what: string, found: Iterable<string>, expected: string[], more: boolean): void {
  const there = new Set(found);
  const missing = expected.filter((each) => !there.has(each));
  const extra = more ? [] : [...there].filter((each) => !expected.includes(each));
  same(what, { missing, extra: extra.sort() }, { missing: [], extra: [] });
}

function compareTables(
  world: World,
  model: Model,
  certain: readonly ModelEndpoint[],
  more: boolean,
): void {
  const links = hostLinks(world);
  const macs = new Map(certain.map((each) => [each, innerMac(world, each)]));
  const network = ({ network: name }: ModelEndpoint): ModelNetwork => modelNetworkOf(model, name);
  const gateways = [...model.networks.values()].filter(({ gateway }) => gateway);
  const gatewayMacs = new Map(
    [...links.values()]
      .filter(({ name }) => /^dpg/.test(name))
      .map((each) => [labelOf(each), each.mac]),
  );
  const fdb = [
    ...certain.map((each) => `${network(each).vni} ${macs.get(each)} own`),
    ...gateways.map(({ name, vni }) => `${vni} ${gatewayMacs.get(`gateway ${name}`)} gateway`),
    ...[...model.statics]
      .filter(([, behind]) => certain.includes(behind))
      .map(([key, behind]) => `${network(behind).vni} ${key.split(' ')[1]} static`),
  ];
  sameSet('fdb', fdbLines(world), fdb, more);
  const neigh = [
    ...certain.flatMap((each) => [
      `${network(each).vni} ${mapped(address4(network(each), each.host))} ${macs.get(each)}`,
      `${network(each).vni} ${bare(address6(network(each), each.host6))} ${macs.get(each)}`,
    ]),
    ...gateways.flatMap((each) => {
      const mac = gatewayMacs.get(`gateway ${each.name}`);
      return [
        `${each.vni} ${mapped(address4(each, 1))} ${mac}`,
        `${each.vni} ${bare(address6(each, 1))} ${mac}`,
      ];
    }),
  ];
  sameSet('neigh', neighLines(world), neigh, more);
  const networks = [...model.networks.values()].map(({ vni, ageing }) => `${vni} ${ageing}`);
  sameSet('network', networkLines(world), networks, false);
  same('ports', more || rows(world, 'port').length === certain.length + gateways.length, true);
  const locks = certain.map((each) => `${macs.get(each)} ${each.lock ? 'lock' : 'open'}`);
  sameSet('endpoint', endpointLines(world), locks, more || gateways.length > 0);
}

/** The readable part of a device's alias, behind the mark of the root. */
export function labelOf({ alias = '' }: { readonly alias?: string | undefined }): string {
  return alias.replace(/^dpctl [0-9a-f]{12}\/\d+ /, '');
}

function modelNetworkOf({ networks }: Model, name: string): ModelNetwork {
  const network = networks.get(name);
  if (network === undefined) throw new Error(`no network ${name}`);
  return network;
}

/** Devices by their marks: one for each endpoint, two for each gateway. */
function compareHost(
  world: World,
  model: Model,
  certain: readonly ModelEndpoint[],
  more: boolean,
): void {
  const gateways = [...model.networks.values()].filter(({ gateway }) => gateway);
  const expected = [
    ...certain.map((each) => `${nameOf(world, each.ns)}/${each.ifname}`),
    ...gateways.map(({ name }) => `gateway ${name}`),
  ];
  const found = [...hostLinks(world).values()].map(labelOf);
  sameSet('devices', found, expected, more);
  for (const network of gateways) {
    const link = [...hostLinks(world).values()].find(
      (each) => each.name.startsWith('dpg') && labelOf(each) === `gateway ${network.name}`,
    );
    const addresses = addrDump(world.node.rtnl())
      .filter(({ label, scope }) => scope === 'global' && (label ?? link?.name) === link?.name)
      .map(({ address }) => address);
    same(`gateway ${network.name}`, addresses.includes(address4(network, 1)), true);
    same(`gateway ${network.name}`, addresses.includes(address6(network, 1)), true);
  }
}

function inNamespace<T>(world: World, ns: string, use: Parameters<typeof withRtnl<T>>[1]): T {
  const ref = openNetnsRef(nameOf(world, ns));
  try {
    return withRtnl(ref.fd, use);
  } finally {
    closeNetns(ref);
  }
}

function innerMac(world: World, { ns, ifname }: ModelEndpoint): string {
  return inNamespace(world, ns, (rtnl) => {
    const link = linkDump(rtnl).find(({ name }) => name === ifname);
    if (link === undefined) throw new Error(`${ns} has no ${ifname}`);
    return link.mac;
  });
}

/** The interface inside: up, with exactly its addresses. */
function compareInside(world: World, model: Model, endpoint: ModelEndpoint): void {
  if (!isAlive(model, endpoint)) return;
  const network = modelNetworkOf(model, endpoint.network);
  inNamespace(world, endpoint.ns, (rtnl) => {
    const link = linkDump(rtnl).find(({ name }) => name === endpoint.ifname);
    same(`${endpoint.ns}/${endpoint.ifname} up`, link?.up, true);
    const addresses = addrDump(rtnl, link?.ifindex)
      .filter(({ scope }) => scope === 'global')
      .map(({ address, prefixLength }) => `${address}/${prefixLength}`);
    const expected = [
      `${address4(network, endpoint.host)}/29`,
      `${address6(network, endpoint.host6)}/64`,
    ];
    sameSet(`addresses of ${endpoint.ns}/${endpoint.ifname}`, addresses, expected, false);
  });
}
