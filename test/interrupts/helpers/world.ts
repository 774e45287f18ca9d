/** The requested state of a node as comparable facts, and the commands that change them. */
import type { State } from '../../../src/model/state/state.js';

/** Lines such as `a eth0`, `network lan`, `node far 192.0.2.7`. */
export type Facts = ReadonlySet<string>;

/** A command, when it can be used, and its effect. */
export interface Command {
  readonly args: readonly string[];
  readonly when?: (facts: Facts) => boolean;
  readonly after: (facts: Facts) => Facts;
}

/** The namespaces of the commands. */
export interface Containers {
  /** A plain one. */
  readonly plain: string;
  /** Another one, sometimes with two endpoints. */
  readonly twice: string;
  /** It has a veth of its own to the node. */
  readonly owner: string;
  /** `attach --create` creates it. */
  readonly made: string;
}

const ADDRESS = '10.201.0.77';
const MAC = '02:00:00:00:33:01';
const TOLD = '02:00:00:00:33:02';
const LAN = ['--gateway', '--masquerade', '--subnet', '10.93.0.0/24', '--subnet', 'fd93::/64'];

const plus =
  (...facts: readonly string[]): Command['after'] =>
  (known) =>
    new Set([...known, ...facts]);

/** Facts that begin with any of these words are removed. */
const minus =
  (...starts: readonly string[]): Command['after'] =>
  (known) =>
    new Set(
      [...known].filter((fact) => !starts.some((start) => `${fact} `.startsWith(`${start} `))),
    );

const both =
  (first: Command['after'], second: Command['after']): Command['after'] =>
  (known) =>
    second(first(known));

const same: Command['after'] = (known) => known;

/** Facts that go with the endpoints of a namespace. */
const left = (ns: string): Command['after'] => minus(ns, `mac ${MAC} ${ns}`);

/** Facts that remain when a namespace is gone. */
export const withoutNamespace = (facts: Facts, ns: string): Facts => left(ns)(facts);

/** Every verb of the command line that changes a node. */
export function commandsOn({ plain, twice, owner, made }: Containers): Command[] {
  const is =
    (fact: string): NonNullable<Command['when']> =>
    (facts) =>
      facts.has(fact);
  return [
    { args: ['attach', made, '--create'], after: plus(`${made} eth0`) },
    { args: ['detach', made], after: left(made) },
    { args: ['attach', plain], after: plus(`${plain} eth0`) },
    {
      args: ['attach', plain, '--ip', ADDRESS, '--mac', '02:00:00:00:33:77', '--isolated'],
      after: plus(`${plain} eth0`, `${plain} has ${ADDRESS}`),
    },
    { args: ['detach', plain], after: left(plain) },
    { args: ['attach', owner], after: plus(`${owner} eth0`) },
    { args: ['detach', owner], after: left(owner) },
    { args: ['attach', twice], after: plus(`${twice} eth0`) },
    {
      args: ['attach', twice, '--network', 'lan', '--ifname', 'eth1'],
      when: is('network lan'),
      after: plus(`${twice} eth1`),
    },
    { args: ['detach', twice, '--ifname', 'eth1'], after: minus(`${twice} eth1`) },
    { args: ['detach', twice], after: left(twice) },
    { args: ['network', 'add', 'lan', ...LAN], after: plus('network lan', 'network lan gateway') },
    {
      args: ['network', 'add', 'lan', '--no-gateway', '--no-masquerade'],
      // Otherwise it is created, without the subnets that its endpoints keep.
      when: is('network lan'),
      after: both(minus('network lan gateway'), plus('network lan')),
    },
    {
      args: ['network', 'del', 'lan'],
      when: (facts) => !facts.has(`${twice} eth1`),
      after: minus('network lan'),
    },
    ...['tc', 'tc-gro', 'xdp'].map((decap) => ({
      args: ['underlay', 'set', 'u0', '--decap', decap],
      after: both(minus('underlay'), plus(`underlay ${decap}`)),
    })),
    { args: ['underlay', 'del'], after: minus('underlay') },
    ...['192.0.2.7', '192.0.2.8'].map((vtep) => ({
      args: ['node', 'add', 'far', '--vtep', vtep],
      after: both(minus('node far'), plus(`node far ${vtep}`)),
    })),
    { args: ['node', 'del', 'far'], after: minus('node far', `mac ${TOLD}`) },
    {
      args: ['fdb', 'add', TOLD, '--node', 'far', '--ip', '10.201.7.7'],
      when: (facts) => [...facts].some((fact) => fact.startsWith('node far ')),
      after: plus(`mac ${TOLD} far`),
    },
    {
      args: ['fdb', 'add', MAC, plain],
      when: is(`${plain} eth0`),
      after: plus(`mac ${MAC} ${plain}`),
    },
    { args: ['fdb', 'del', MAC], when: is(`mac ${MAC} ${plain}`), after: minus(`mac ${MAC}`) },
    { args: ['fdb', 'flush'], after: same },
    { args: ['reconcile'], after: same },
    { args: ['reset', '--yes'], after: () => new Set() },
  ];
}

/** The requested state of a node, from its records. */
export function factsOf(state: State): Facts {
  const endpoints = state.endpoints.filter(({ namespace }) => namespace.kind !== 'node');
  const nameOf = (id: number): string =>
    endpoints.find((each) => each.id === id)?.namespace.ref ?? `endpoint ${id}`;
  const facts = [
    ...endpoints.flatMap(({ namespace: { ref }, ifname, ip4 }) => [
      `${ref} ${ifname}`,
      ...(ip4?.startsWith(`${ADDRESS}`) ? [`${ref} has ${ADDRESS}`] : []),
    ]),
    ...state.networks
      .filter(({ name }) => name !== 'default')
      .flatMap(({ name, gateway }) => [
        `network ${name}`,
        ...(gateway === undefined ? [] : [`network ${name} gateway`]),
      ]),
    ...state.nodes.map(({ name, vtep }) => `node ${name} ${vtep}`),
    ...(state.underlay === undefined ? [] : [`underlay ${state.underlay.decap}`]),
    ...state.staticFdb.map(({ mac, endpoint }) => `mac ${mac} ${nameOf(endpoint)}`),
    ...state.remoteFdb.map(({ mac }) => `mac ${mac} far`),
  ];
  return new Set(facts);
}

/** Facts that outlive the first half of a reset. */
export const lasting = (facts: Facts): Facts =>
  new Set([...facts].filter((fact) => /^(network|node|underlay) |^mac \S+ far$/.test(fact)));

export function sameFacts(a: Facts, b: Facts): boolean {
  return a.size === b.size && [...a].every((fact) => b.has(fact));
}
