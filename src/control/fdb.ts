/** fdb add, del and flush: static MACs are desired state, learned ones are the datapath's. */
import { DpctlError } from '../../loader/errors.js';
import { areTablesPinned } from '../kernel/datapath.js';
import { bytesToMac, canonicalMac } from '../model/address.js';
import {
  addStaticFdb,
  deleteStaticFdb,
  findEndpoints,
  NETWORK_DEFAULT,
  requireNetwork,
} from '../model/edit.js';
import type { Endpoint, State, StaticFdb } from '../model/state.js';
import { change } from './change.js';
import { type Forgotten, forgetLearned } from './forget.js';
import { hostPins, type Node } from './node.js';
import { whenReady } from './ready.js';
import type { ChangeOptions, FdbChange, FdbRow } from './types.js';

export interface FdbAddRequest {
  readonly network?: string | undefined;
  readonly mac: string;
  readonly ns: string;
  readonly ifname?: string | undefined;
}

/** Say that a MAC is behind an endpoint: it is not learned, aged or moved by traffic. */
export async function fdbAdd(
  node: Node,
  request: FdbAddRequest,
  options: ChangeOptions = {},
): Promise<FdbChange> {
  let entries: FdbRow[] = [];
  const changed = await change(node, options, (state) => {
    const endpoint = soleEndpoint(state, request);
    const { mac } = request;
    const edit = addStaticFdb(state, { network: endpoint.network, mac, endpoint: endpoint.id });
    entries = [fdbRow(state, edit.entry)];
    return {
      state: edit.state,
      scope: { endpoints: touched(state, edit.state), networks: new Set() },
    };
  });
  return { ...changed, count: entries.length, entries };
}

function fdbRow(state: State, { network, mac, endpoint: id }: StaticFdb): FdbRow {
  const endpoint = state.endpoints.find((each) => each.id === id);
  return {
    mac,
    vni: state.networks.find(({ name }) => name === network)?.vni ?? 0,
    network,
    ns: endpoint?.namespace.ref ?? '',
    ifname: endpoint?.hostIfname ?? '',
    ifindex: endpoint?.ifindex ?? 0,
    state: 'static',
    age: 0,
  };
}

/** Numbers of the endpoints whose static MACs differ between two states. */
function touched(before: State, after: State): Set<number> {
  const macs = ({ staticFdb }: State, id: number) =>
    staticFdb
      .filter(({ endpoint }) => endpoint === id)
      .map(({ mac }) => mac)
      .join();
  const ids = before.endpoints.map(({ id }) => id);
  return new Set(ids.filter((id) => macs(before, id) !== macs(after, id)));
}

function soleEndpoint(state: State, { ns, ifname, network }: FdbAddRequest): Endpoint {
  const found = findEndpoints(state, { ref: ns, ifname, network });
  const [endpoint] = found;
  if (endpoint === undefined) {
    throw new DpctlError('ENDPOINT_NOT_FOUND', `${ns} is not attached`, {
      exitCode: 3,
      hint: `dpctl attach ${ns}`,
    });
  }
  if (found.length > 1) {
    throw new DpctlError('ENDPOINT_AMBIGUOUS', `${ns} has ${found.length} endpoints`, {
      exitCode: 1,
      hint: `add --ifname ${endpoint.ifname}`,
    });
  }
  return endpoint;
}

/** Delete an entry, static or learned. One that is not there is no error. */
export async function fdbDelete(
  node: Node,
  request: { readonly network?: string | undefined; readonly mac: string },
  options: ChangeOptions = {},
): Promise<FdbChange> {
  const mac = canonicalMac(request.mac);
  let vni = 0;
  let entries: FdbRow[] = [];
  const changed = await change(node, options, (state) => {
    const network = requireNetwork(state, request.network ?? NETWORK_DEFAULT);
    vni = network.vni;
    const edited = deleteStaticFdb(state, { network: network.name, mac });
    entries = state.staticFdb
      .filter((entry) => entry.network === network.name && entry.mac === mac)
      .map((entry) => fdbRow(state, entry));
    return {
      state: edited,
      scope: { endpoints: touched(state, edited), networks: new Set() },
    };
  });
  if (options.dryRun === true) return { ...changed, count: entries.length, entries };
  const forgotten = forgetLearned(node, (_, key) => key.vni === vni && bytesToMac(key.mac) === mac);
  entries.push(...forgotten.map((learned) => learnedRow(changed.state, learned)));
  return {
    ...changed,
    changed: changed.changed || forgotten.length > 0,
    count: entries.length,
    entries,
  };
}

/** Delete the learned entries of the node, of a network or of an endpoint. */
export async function fdbFlush(
  node: Node,
  request: { readonly network?: string | undefined; readonly ns?: string | undefined },
): Promise<FdbChange> {
  const start = performance.now();
  const state = node.store.load();
  const vni =
    request.network === undefined ? undefined : requireNetwork(state, request.network).vni;
  const ids =
    request.ns === undefined
      ? undefined
      : new Set(findEndpoints(state, { ref: request.ns }).map(({ id }) => id));
  if (ids?.size === 0) {
    throw new DpctlError('ENDPOINT_NOT_FOUND', `${request.ns} is not attached`, {
      exitCode: 3,
      hint: 'dpctl endpoints',
    });
  }
  const forget = async (): Promise<Forgotten[]> =>
    forgetLearned(
      node,
      (entry, key) =>
        (vni === undefined || key.vni === vni) && (ids === undefined || ids.has(entry.endpoint)),
    );
  // Where there are no tables nothing was ever learned, and none need be made to say so.
  const forgotten = areTablesPinned(hostPins(node)) ? await whenReady(node, forget) : [];
  return {
    changed: forgotten.length > 0,
    count: forgotten.length,
    entries: forgotten.map((learned) => learnedRow(state, learned)),
    plan: [],
    notes: [],
    milliseconds: performance.now() - start,
  };
}

function learnedRow(state: State, { mac, vni, ifindex, endpoint: id }: Forgotten): FdbRow {
  const endpoint = state.endpoints.find((each) => each.id === id);
  return {
    mac: bytesToMac(mac),
    vni,
    network: state.networks.find((network) => network.vni === vni)?.name ?? '',
    ns: endpoint?.namespace.ref ?? '',
    ifname: endpoint?.hostIfname ?? '',
    ifindex,
    state: 'learned',
    age: 0,
  };
}
