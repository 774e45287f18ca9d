/** fdb add, del and flush: static MACs are desired state, the datapath owns learned ones. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, type Hint, run } from '../../../loader/hint.js';
import type { ChangeOptions } from '../../api/change.js';
import type { FdbAddRequest, FdbChange, FdbDeleteRequest, FdbFlushRequest } from '../../api/fdb.js';
import { forgetLearned } from '../../datapath/fdb-control.js';
import { areTablesPinned } from '../../datapath/install.js';
import { bytesToMac, canonicalMac } from '../../model/address/mac.js';
import { addStaticFdb, deleteStaticFdb } from '../../model/network/static-fdb.js';
import { addRemoteFdb, deleteRemoteFdb } from '../../model/overlay/remote-fdb.js';
import type { Scope } from '../../model/plan/plan.js';
import {
  type EndpointFilter,
  listText,
  NETWORK_DEFAULT,
  requireNetwork,
} from '../../model/state/lookup.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { change } from '../change/change.js';
import { endpointsNamed, namedNote } from '../endpoint/find-by-name.js';
import { datapathOf, hostPins, type Node } from '../node/node.js';
import { fdbRow, learnedRow, remoteFdbRow } from './fdb-rows.js';

/**
 * Pin a MAC to an endpoint or another node: it is not learned, aged or moved by traffic.
 * @throws DpctlError FDB_WHERE, exit 1, unless exactly one of the two is named
 */
export async function fdbAdd(
  node: Node,
  request: FdbAddRequest,
  options: ChangeOptions = {},
): Promise<FdbChange> {
  const changed = await change(node, options, (state) => {
    const { mac, ns, node: name } = request;
    if ((ns === undefined) === (name === undefined)) throw whereIsIt(mac);
    if (name !== undefined) {
      const network = request.network ?? NETWORK_DEFAULT;
      const edit = addRemoteFdb(state, { network, mac, node: name, ips: request.ips });
      const row = remoteFdbRow(edit.state, edit.entry);
      return { state: edit.state, scope: touched(state, edit.state), result: [row] };
    }
    const endpoint = soleEndpoint(node, state, { ...request, ns: ns ?? '' });
    const edit = addStaticFdb(state, { network: endpoint.network, mac, endpoint: endpoint.id });
    const row = fdbRow(state, edit.entry);
    return { state: edit.state, scope: touched(state, edit.state), result: [row] };
  });
  return { ...changed, count: changed.result.length, entries: changed.result };
}

function whereIsIt(mac: string): DpctlError {
  return new DpctlError('FDB_WHERE', `${mac} is behind either an endpoint or another node`, {
    exitCode: 1,
    hint: advice`${run`fdb add ${mac} NS`}, or ${run`fdb add ${mac} --node NAME`}`,
    details: { mac },
  });
}

/** The endpoints and nodes whose static MACs differ between two states. */
function touched(before: State, after: State): Scope {
  const macs = ({ staticFdb }: State, id: number) =>
    staticFdb
      .filter(({ endpoint }) => endpoint === id)
      .map(({ mac }) => mac)
      .join();
  const remotes = ({ remoteFdb }: State, number: number) =>
    JSON.stringify(remoteFdb.filter(({ node }) => node === number));
  const ids = before.endpoints.map(({ id }) => id);
  const numbers = before.nodes.map(({ number }) => number);
  return {
    endpoints: new Set(ids.filter((id) => macs(before, id) !== macs(after, id))),
    networks: new Set(),
    nodes: new Set(numbers.filter((number) => remotes(before, number) !== remotes(after, number))),
  };
}

/**
 * Endpoints of the namespace that has the name now, or else of the one that had it.
 * @throws DpctlError ENDPOINT_NOT_FOUND, exit 3
 */
function endpointsOf(
  node: Node,
  state: State,
  ref: string,
  remedy: Hint,
  rest: Pick<EndpointFilter, 'ifname' | 'network'> = {},
): readonly Endpoint[] {
  const named = endpointsNamed(node, state, { ref, ...rest });
  const found = named.exists ? named.current : named.former;
  if (found.length > 0) return found;
  const note = namedNote(ref, named);
  throw new DpctlError('ENDPOINT_NOT_FOUND', note === '' ? `${ref} is not attached` : note, {
    exitCode: 3,
    hint: named.others.length > 0 ? run`endpoints` : remedy,
  });
}

function soleEndpoint(
  node: Node,
  state: State,
  { ns, ifname, network }: FdbAddRequest & { readonly ns: string },
): Endpoint {
  const found = endpointsOf(node, state, ns, run`attach ${ns}`, {
    ifname,
    network,
  });
  const [endpoint] = found as [Endpoint];
  if (found.length > 1) {
    throw new DpctlError('ENDPOINT_AMBIGUOUS', `${ns} has ${found.length} endpoints`, {
      exitCode: 1,
      hint: `add --ifname ${endpoint.ifname}`,
    });
  }
  return endpoint;
}

/**
 * The network if the request names none: the one that has a static entry for the MAC.
 * @throws DpctlError FDB_AMBIGUOUS, exit 1, if there are several
 */
function networkOfMac({ staticFdb, remoteFdb }: State, mac: string): string {
  const told = [...staticFdb, ...remoteFdb].filter((entry) => entry.mac === mac);
  const [network = NETWORK_DEFAULT, ...others] = new Set(told.map((entry) => entry.network));
  if (others.length === 0) return network;
  const networks = [network, ...others].sort();
  throw new DpctlError('FDB_AMBIGUOUS', `${mac} is on the networks ${listText(networks)}`, {
    exitCode: 1,
    hint: run`fdb del ${mac} --network ${network}`,
    details: { mac, networks },
  });
}

/**
 * Delete an entry, static or learned. A missing entry is no error.
 * @throws DpctlError FDB_AMBIGUOUS, exit 1, if no network is named and several are possible
 */
export async function fdbDelete(
  node: Node,
  request: FdbDeleteRequest,
  options: ChangeOptions = {},
): Promise<FdbChange> {
  const mac = canonicalMac(request.mac);
  const changed = await change(node, options, (state) => {
    const network = requireNetwork(state, request.network ?? networkOfMac(state, mac));
    const which = { network: network.name, mac };
    const edited = deleteRemoteFdb(deleteStaticFdb(state, which), which);
    const isIt = (entry: { network: string; mac: string }): boolean =>
      entry.network === network.name && entry.mac === mac;
    const told = [
      ...state.staticFdb.filter(isIt).map((entry) => fdbRow(state, entry)),
      ...state.remoteFdb.filter(isIt).map((entry) => remoteFdbRow(state, entry)),
    ];
    const result = { vni: network.vni, told };
    return { state: edited, scope: touched(state, edited), result };
  });
  const { vni, told } = changed.result;
  if (options.dryRun === true) return { ...changed, count: told.length, entries: told };
  // The lock was released: another process may have reset the node since.
  node.refresh();
  const forgotten = forgetLearned(
    datapathOf(node),
    (_, key) => key.vni === vni && bytesToMac(key.mac) === mac,
  );
  const entries = [...told, ...forgotten.map((learned) => learnedRow(changed.state, learned))];
  return {
    ...changed,
    changed: changed.changed || forgotten.length > 0,
    count: entries.length,
    entries,
  };
}

/** Delete the learned entries of the node, a network or an endpoint; dead endpoints are removed too. */
export async function fdbFlush(node: Node, request: FdbFlushRequest): Promise<FdbChange> {
  const { state } = await node.store.load();
  const vni =
    request.network === undefined ? undefined : requireNetwork(state, request.network).vni;
  const ids =
    request.ns === undefined
      ? undefined
      : new Set(endpointsOf(node, state, request.ns, run`endpoints`).map(({ id }) => id));
  // Without tables nothing was ever learned, so do not make them.
  if (!areTablesPinned(hostPins(node))) return { ...UNCHANGED, count: 0, entries: [] };
  const nothing: Scope = { endpoints: new Set(), networks: new Set() };
  const changed = await change(node, {}, (before) => ({
    state: before,
    scope: nothing,
    result: undefined,
  }));
  // The lock was released: another process may have reset the node since.
  node.refresh();
  const forgotten = forgetLearned(
    datapathOf(node),
    (entry, key) =>
      (vni === undefined || key.vni === vni) &&
      (ids === undefined || (entry.node === 0 && ids.has(entry.endpoint))),
  );
  return {
    ...changed,
    changed: changed.changed || forgotten.length > 0,
    count: forgotten.length,
    entries: forgotten.map((learned) => learnedRow(state, learned)),
  };
}

const UNCHANGED = { changed: false, plan: [], notes: [], milliseconds: 0 };
