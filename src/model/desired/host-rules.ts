/**
 * Rules for gateways' traffic in the host's own IP stack, as nftables expressions (libnftables-json(5)): they
 * keep networks apart, and let only the host itself send VXLAN. Pure.
 */
import { GatewayMark } from '../../contract/generated.js';
import type { State } from '../state/state.js';
import { isGateway, wantedPorts } from './desired.js';

/** A rule: its chain, and its expression in nft's terms. */
export interface HostRule {
  readonly chain: 'forward' | 'input' | 'apart';
  readonly expr: readonly object[];
}

/** The rules that a state asks for. */
export interface HostRules {
  readonly rules: readonly HostRule[];
  /** Whether a request that leads to these rules fails on a node without nft. */
  readonly required: boolean;
}

/** Names of the host's own devices on networks, for all roots that share a namespace. */
const GATEWAYS = 'dpg*';

/** The rules that a state asks for, in the order of their chains. */
export function wantedHostRules(state: State): HostRules {
  const ports = wantedPorts(state);
  const gateways = ports.filter(({ endpoint }) => isGateway(endpoint));
  const isolating = new Set(
    ports.filter(({ endpoint }) => endpoint.isolated).map(({ network }) => network.name),
  );
  const names = gateways.map(({ endpoint }) => endpoint.ifname);
  const joined = gateways.filter(({ network }) => network.routeBetween === true);
  const back = gateways.filter(({ network }) => isolating.has(network.name));
  const rules = [
    ...vxlanRules(state),
    ...(names.length === 0
      ? []
      : markRules(
          names,
          joined.map(({ endpoint }) => endpoint.ifname),
          back.map(({ endpoint }) => endpoint.ifname),
        )),
  ];
  return { rules, required: names.length > 1 || back.length > 0 };
}

/** After address translation, as the datapath does not see the translated packet. */
function vxlanRules({ underlay, resolvedUnderlay: resolved }: State): HostRule[] {
  if (underlay === undefined || resolved === undefined) return [];
  const expr = [
    meta('iifname', '==', GATEWAYS),
    {
      match: {
        op: '==',
        left: { payload: { protocol: 'udp', field: 'dport' } },
        right: underlay.port,
      },
    },
    { counter: null },
    { drop: null },
  ];
  return [
    { chain: 'forward', expr },
    { chain: 'input', expr },
  ];
}

/** The datapath at the gateway's port drops and counts packets with a mark (bpf/endpoint.bpf.c). */
function markRules(
  names: readonly string[],
  joined: readonly string[],
  back: readonly string[],
): HostRule[] {
  const rule = (...expr: object[]): HostRule => ({ chain: 'apart', expr: [...expr, ACCEPT] });
  const same = (name: string) => [meta('iifname', '==', name), meta('oifname', '==', name)];
  return [
    rule(meta('oifname', '!=', GATEWAYS)),
    ...back.map((name) => rule(...same(name), mark(GatewayMark.BACK))),
    ...names.filter((name) => !back.includes(name)).map((name) => rule(...same(name))),
    ...(joined.length < 2
      ? []
      : [rule(meta('iifname', '==', oneOf(joined)), meta('oifname', '==', oneOf(joined)))]),
    rule(
      meta('iifname', '==', oneOf(names)),
      meta('oifname', '==', GATEWAYS),
      mark(GatewayMark.APART),
    ),
    rule(
      meta('iifname', '==', GATEWAYS),
      meta('oifname', '==', oneOf(names)),
      mark(GatewayMark.APART),
    ),
  ];
}

const ACCEPT = { accept: null };

function meta(key: string, op: string, right: unknown): object {
  return { match: { op, left: { meta: { key } }, right } };
}

function mark(value: number): object {
  return { mangle: { key: { meta: { key: 'mark' } }, value } };
}

/** nft lists a set of one element as that element. */
function oneOf(names: readonly string[]): unknown {
  const [name] = names;
  return names.length === 1 ? name : { set: [...names].sort() };
}

/** The rules as text for comparison, without their counters. */
export function hostRulesText(
  rules: readonly { chain: string; expr: readonly object[] }[],
): string {
  const chains = [...new Set(rules.map(({ chain }) => chain))].sort();
  const text = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(text);
    if (typeof value !== 'object' || value === null) return value;
    if ('counter' in value) return 'counter';
    if ('set' in value && Array.isArray(value.set)) return { set: [...value.set].sort() };
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, each]) => [key, text(each)]),
    );
  };
  return JSON.stringify(
    chains.map((name) => [
      name,
      rules.filter(({ chain }) => chain === name).map(({ expr }) => text(expr)),
    ]),
  );
}

/** Name of a root's own table: several roots may share a namespace. */
export function nftTableName(rootId: string | undefined): string {
  return rootId === undefined ? 'dpctl' : `dpctl_${rootId}`;
}
