/**
 * Invariants: true of every desired state, whatever edits made it. The store refuses files that violate them;
 * tests check them after each edit.
 */
import { ENDPOINT_MAX, FLOOD_PORT_MAX, NETWORK_MAX } from '../../contract/generated.js';
import { canonicalIp } from '../address/ip.js';
import { parseMac } from '../address/mac.js';
import {
  addressOf,
  canonicalPrefix,
  contains,
  formatPrefix,
  hostRange,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../address/prefix.js';
import { isGateway } from '../desired/desired.js';
import { isLabelKey, isLabelValue } from '../endpoint/labels.js';
import { checkOverlay } from '../overlay/invariants.js';
import { type Checker, type Fault, newChecker } from './checker.js';
import { checkAgeing, checkIfname, checkMtu, checkNetworkName, checkVni } from './names.js';
import type { Endpoint, Network, State } from './state.js';

export type { Fault } from './checker.js';

/** A network with its subnets parsed once: there may be thousands of endpoints. */
interface Segment {
  readonly network: Network;
  readonly subnets: readonly Prefix[];
}

/** The violated invariants of a state; empty if there are none. */
export function invariants(state: State): readonly Fault[] {
  const checker = newChecker();
  const segments = new Map<string, Segment>();
  const earlier: Prefix[] = [];
  for (const [i, network] of state.networks.entries()) {
    const subnets = checkNetwork(checker, `networks[${i}]`, network);
    // Overlaps matter only between networks with a gateway.
    const routed = subnets.filter(
      ({ family }) => network.gateway?.[family === 4 ? 'ip4' : 'ip6'] !== undefined,
    );
    for (const subnet of routed) {
      const other = earlier.find((each) => overlaps(each, subnet));
      if (other === undefined) continue;
      checker.report(`networks[${i}]`, `${formatPrefix(subnet)} overlaps ${formatPrefix(other)}`);
    }
    earlier.push(...routed);
    segments.set(network.name, { network, subnets });
  }
  for (const [i, endpoint] of state.endpoints.entries()) {
    checkEndpoint(checker, `endpoints[${i}]`, endpoint, segments.get(endpoint.network));
  }
  checkStatics(checker, state);
  checkOverlay(checker, state);
  for (const [i, { key }] of state.sysctls.entries()) checker.once(`sysctls[${i}]`, 'key', key);
  return checker.faults;
}

/** @returns the subnets that could be parsed */
function checkNetwork(checker: Checker, at: string, network: Network): Prefix[] {
  const { name, index, vni, gateway } = network;
  checker.once(`${at}.name`, 'network', name);
  checker.once(`${at}.index`, 'index', index);
  checker.once(`${at}.vni`, 'VNI', vni);
  checker.range(`${at}.index`, index, 1, NETWORK_MAX - 1);
  checker.fixpoint(`${at}.name`, name, checkNetworkName);
  checker.fixpoint(`${at}.vni`, vni, checkVni);
  checker.fixpoint(`${at}.ageing`, network.ageing, checkAgeing);
  if (network.masquerade && gateway === undefined) {
    checker.report(`${at}.masquerade`, 'there is no gateway');
  }
  const subnets: Prefix[] = [];
  for (const family of [4, 6] as const) {
    const text = network[`subnet${family}`];
    const address = gateway?.[`ip${family}`];
    let subnet: Prefix | undefined;
    if (text !== undefined && checker.fixpoint(`${at}.subnet${family}`, text, canonicalPrefix)) {
      subnet = parsePrefix(text);
      if (subnet.family === family) subnets.push(subnet);
      else checker.report(`${at}.subnet${family}`, `${text} is not IPv${family}`);
    }
    checkRange(checker, `${at}.range${family}`, network[`range${family}`], subnet);
    if (address === undefined) continue;
    checker.once(`${at}.gateway.ip${family}`, `address on ${name}:`, address);
    if (!checker.fixpoint(`${at}.gateway.ip${family}`, address, canonicalIp)) continue;
    if (subnet !== undefined && isHost(subnet, address)) continue;
    checker.report(`${at}.gateway.ip${family}`, `${address} is no host of ${text ?? 'a subnet'}`);
  }
  return subnets;
}

function checkRange(
  checker: Checker,
  at: string,
  text: string | undefined,
  subnet: Prefix | undefined,
): void {
  if (text === undefined || !checker.fixpoint(at, text, canonicalPrefix)) return;
  const range = parsePrefix(text);
  if (subnet !== undefined && contains(subnet, range) && range.length > subnet.length) return;
  checker.report(at, `${text} is no part of ${subnet ? formatPrefix(subnet) : 'a subnet'}`);
}

function checkEndpoint(
  checker: Checker,
  at: string,
  endpoint: Endpoint,
  segment: Segment | undefined,
): void {
  const { id, namespace, ifname, network } = endpoint;
  checker.once(`${at}.id`, 'number', id);
  checker.range(`${at}.id`, id, 1, ENDPOINT_MAX - 1);
  checker.once(`${at}.ifindex`, 'ifindex', endpoint.ifindex);
  checker.range(`${at}.ifindex`, endpoint.ifindex, 1, 2 ** 31 - 1);
  checker.once(`${at}.hostIfname`, 'host interface', endpoint.hostIfname);
  checker.once(`${at}.ifname`, 'interface', `${namespace.cookie || namespace.path} ${ifname}`);
  checker.once(`${at}.slot`, `slot on ${network}`, endpoint.slot);
  checker.range(`${at}.slot`, endpoint.slot, 0, FLOOD_PORT_MAX - 1);
  checker.once(`${at}.mac`, `MAC on ${network}`, endpoint.mac);
  checker.fixpoint(`${at}.hostIfname`, endpoint.hostIfname, checkIfname);
  checker.fixpoint(`${at}.ifname`, ifname, checkIfname);
  checker.fixpoint(`${at}.mac`, endpoint.mac, parseMac);
  checker.fixpoint(`${at}.mtu`, endpoint.mtu, (mtu) => checkMtu(mtu, endpoint.ip6 !== undefined));
  for (const [i, prefix] of endpoint.allowPrefixes.entries()) {
    checker.fixpoint(`${at}.allowPrefixes[${i}]`, prefix, canonicalPrefix);
  }
  for (const [key, value] of Object.entries(endpoint.labels ?? {})) {
    if (isLabelKey(key) && isLabelValue(value)) continue;
    checker.report(`${at}.labels`, `${key}=${value} is no label`);
  }
  for (const family of [4, 6] as const) {
    const text = endpoint[`ip${family}`];
    if (text !== undefined) checkAddress(checker, `${at}.ip${family}`, text, endpoint, segment);
  }
  if (segment === undefined) checker.report(`${at}.network`, `there is no network ${network}`);
}

function checkAddress(
  checker: Checker,
  at: string,
  text: string,
  endpoint: Endpoint,
  segment: Segment | undefined,
): void {
  if (!checker.fixpoint(at, addressOf(text), canonicalIp)) return;
  // The next edit adjusts the host's own port to its network's gateway.
  if (isGateway(endpoint)) return;
  checker.once(at, `address on ${endpoint.network}:`, addressOf(text));
  const { ip, length } = parseAddress(text);
  const subnet = segment?.subnets.find((each) => each.family === ip.family);
  if (subnet === undefined) return;
  if (!isHost(subnet, text) || length !== subnet.length) {
    checker.report(at, `${text} is no host of ${formatPrefix(subnet)}`);
  }
}

function isHost(subnet: Prefix, text: string): boolean {
  const { ip } = parseAddress(text);
  const { first, last } = hostRange(subnet);
  return contains(subnet, ip) && ip.value >= first && ip.value <= last;
}

function checkStatics(checker: Checker, { staticFdb, endpoints }: State): void {
  if (staticFdb.length === 0) return;
  const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
  for (const [i, { network, mac, endpoint }] of staticFdb.entries()) {
    const at = `staticFdb[${i}]`;
    // Shares its kind with endpoints' MACs: an endpoint's own MAC is never also a static one.
    checker.once(`${at}.mac`, `MAC on ${network}`, mac);
    checker.fixpoint(`${at}.mac`, mac, parseMac);
    if (byId.get(endpoint)?.network !== network) {
      checker.report(`${at}.endpoint`, `no endpoint ${endpoint} is on network ${network}`);
    }
  }
}
