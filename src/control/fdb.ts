/** fdb add, del and flush: static MACs are desired state, learned ones are the datapath's. */
import { DpctlError } from '../../loader/errors.js';
import { bytesToMac, canonicalMac } from '../model/address.js';
import {
  addStaticFdb,
  deleteStaticFdb,
  findEndpoints,
  NETWORK_DEFAULT,
  requireNetwork,
} from '../model/edit.js';
import type { Endpoint, State } from '../model/state.js';
import { change, nodeExists } from './change.js';
import { forgetLearned } from './forget.js';
import type { Node } from './node.js';
import type { ChangeOptions, ChangeResult } from './types.js';

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
): Promise<ChangeResult> {
  return change(node, options, (state) => {
    const endpoint = soleEndpoint(state, request);
    const { mac } = request;
    const edit = addStaticFdb(state, { network: endpoint.network, mac, endpoint: endpoint.id });
    return {
      state: edit.state,
      scope: {
        endpoints: new Set(
          state.endpoints.map(({ id }) => id).filter((id) => touches(state, edit.state, id)),
        ),
        networks: new Set(),
      },
    };
  });
}

/** Endpoints whose static MACs differ between two states. */
function touches(before: State, after: State, id: number): boolean {
  const macs = (state: State) =>
    state.staticFdb
      .filter(({ endpoint }) => endpoint === id)
      .map(({ mac }) => mac)
      .join();
  return macs(before) !== macs(after);
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
): Promise<ChangeResult> {
  const mac = canonicalMac(request.mac);
  let vni = 0;
  const changed = await change(node, options, (state) => {
    const network = requireNetwork(state, request.network ?? NETWORK_DEFAULT);
    vni = network.vni;
    const edited = deleteStaticFdb(state, { network: network.name, mac });
    const ids = state.endpoints.map(({ id }) => id).filter((id) => touches(state, edited, id));
    return { state: edited, scope: { endpoints: new Set(ids), networks: new Set() } };
  });
  if (options.dryRun === true) return changed;
  const forgotten = forgetLearned(node, (_, key) => key.vni === vni && bytesToMac(key.mac) === mac);
  return { ...changed, changed: changed.changed || forgotten > 0 };
}

/** Delete the learned entries of the node, of a network or of an endpoint. */
export function fdbFlush(
  node: Node,
  request: { readonly network?: string | undefined; readonly ns?: string | undefined },
): ChangeResult & { readonly count: number } {
  const start = performance.now();
  const state = node.store.load();
  const vni =
    request.network === undefined ? undefined : requireNetwork(state, request.network).vni;
  const ids =
    request.ns === undefined
      ? undefined
      : new Set(findEndpoints(state, { ref: request.ns }).map(({ id }) => id));
  if (ids?.size === 0) {
    throw new DpctlError('ENDPOINT_NOT_FOUND', `${request.ns} is not attached`, { exitCode: 3 });
  }
  const count = !nodeExists(node)
    ? 0
    : forgetLearned(
        node,
        (entry, key) =>
          (vni === undefined || key.vni === vni) && (ids === undefined || ids.has(entry.endpoint)),
      );
  return {
    changed: count > 0,
    count,
    plan: [],
    notes: [],
    milliseconds: performance.now() - start,
  };
}
