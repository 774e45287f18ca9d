/** Invariants of the underlay and the nodes, true of every desired state. */
import { NODE_MAX } from '../../contract/generated.js';
import { canonicalIp } from '../address/ip.js';
import { parseMac } from '../address/mac.js';
import { canonicalPrefix, parsePrefix } from '../address/prefix.js';
import type { Checker } from '../state/checker.js';
import { checkNodeName } from '../state/names.js';
import type { State } from '../state/state.js';
import { isInside } from './node-prefixes.js';
import { checkPort } from './underlay.js';

/** Check the underlay, the nodes, and the MACs behind them. */
export function checkOverlay(checker: Checker, state: State): void {
  const { underlay, resolvedUnderlay: resolved, nodes, remoteFdb, networks } = state;
  if (underlay !== undefined) {
    checker.fixpoint('underlay.port', underlay.port, checkPort);
    if (underlay.vtep !== undefined) checker.fixpoint('underlay.vtep', underlay.vtep, canonicalIp);
  }
  if (resolved !== undefined) checker.once('uplink.vtep', 'VTEP', resolved.vtep);
  for (const [i, { name, number, vtep }] of nodes.entries()) {
    checker.once(`nodes[${i}].name`, 'node', name);
    checker.once(`nodes[${i}].number`, 'node number', number);
    checker.once(`nodes[${i}].vtep`, 'VTEP', vtep);
    checker.range(`nodes[${i}].number`, number, 1, NODE_MAX - 1);
    checker.fixpoint(`nodes[${i}].name`, name, checkNodeName);
    checker.fixpoint(`nodes[${i}].vtep`, vtep, canonicalIp);
  }
  checkPrefixes(checker, state);
  const known = new Set(nodes.map(({ number }) => number));
  const names = new Set(networks.map(({ name }) => name));
  for (const [i, { network, mac, node, ips }] of remoteFdb.entries()) {
    const at = `remoteFdb[${i}]`;
    // Shares its kind with endpoints' and static MACs: a MAC is in one place.
    checker.once(`${at}.mac`, `MAC on ${network}`, mac);
    checker.fixpoint(`${at}.mac`, mac, parseMac);
    for (const ip of ips) {
      checker.once(`${at}.ips`, `address on ${network}:`, ip);
      checker.fixpoint(`${at}.ips`, ip, canonicalIp);
    }
    if (!known.has(node)) checker.report(`${at}.node`, `there is no node ${node}`);
    if (!names.has(network)) checker.report(`${at}.network`, `there is no network ${network}`);
  }
}

/** A prefix of a network has one owner, and is inside a subnet. */
function checkPrefixes(checker: Checker, { nodes, networks }: State): void {
  const byName = new Map(networks.map((network) => [network.name, network]));
  const check = (at: string, name: string, prefix: string) => {
    const network = byName.get(name);
    checker.once(at, `prefix of ${name}`, prefix);
    if (network === undefined) checker.report(at, `there is no network ${name}`);
    else if (!checker.fixpoint(at, prefix, canonicalPrefix)) return;
    else if (!isInside(network, parsePrefix(prefix))) {
      checker.report(at, `${prefix} is outside the subnet of ${name}`);
    }
  };
  for (const [i, { name, own4, own6 }] of networks.entries()) {
    if (own4 !== undefined) check(`networks[${i}].own4`, name, own4);
    if (own6 !== undefined) check(`networks[${i}].own6`, name, own6);
  }
  for (const [i, { prefixes = [] }] of nodes.entries()) {
    for (const [j, { network, prefix }] of prefixes.entries()) {
      check(`nodes[${i}].prefixes[${j}]`, network, prefix);
    }
  }
}
