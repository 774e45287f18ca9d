/**
 * The implementation of each operation. The command line and the API both use these, so that they do the
 * same; a module is loaded on first use.
 */
import type { ChangeResult } from '../api/change.js';
import type { ClusterChange } from '../api/cluster.js';
import type { EndpointChange } from '../api/endpoint.js';
import type { FdbChange } from '../api/fdb.js';
import type { NetworkChange } from '../api/network.js';
import type { OperationName, RequestOf, ResultOf } from '../api/operations.js';
import type { RemoteNodeChange } from '../api/remote-node.js';
import type { UnderlayChange } from '../api/underlay.js';
import type { Node } from '../control/node/node.js';

/** Carries out a request on a node. */
export type Perform<Name extends OperationName> = (
  node: Node,
  request: RequestOf<Name>,
) => Promise<ResultOf<Name>>;

const OPERATIONS: { readonly [Name in OperationName]: () => Promise<Perform<Name>> } = {
  async attach() {
    const { attach } = await import('../control/endpoint/attach.js');
    return async (node, { dryRun = false, ...request }) =>
      endpointChange(await attach(node, request, { dryRun }));
  },
  async detach() {
    const { detach } = await import('../control/endpoint/detach.js');
    return async (node, { dryRun = false, ...request }) => {
      const change = await detach(node, request, { dryRun });
      return { ...endpointChange(change), namespacesDeleted: change.namespacesDeleted };
    };
  },
  async endpoints() {
    const { endpointList } = await import('../control/endpoint/list.js');
    return endpointList;
  },
  async 'network add'() {
    const { networkAdd } = await import('../control/network/network.js');
    return async (node, { dryRun = false, ...request }) =>
      networkChange(await networkAdd(node, request, { dryRun }));
  },
  async 'network del'() {
    const { networkDelete } = await import('../control/network/network.js');
    return async (node, { dryRun = false, ...request }) =>
      networkChange(await networkDelete(node, request, { dryRun }));
  },
  async 'network list'() {
    const { networkList } = await import('../control/network/network.js');
    return networkList;
  },
  async 'underlay set'() {
    const { underlaySet } = await import('../control/underlay/underlay.js');
    return async (node, { dryRun = false, ...request }) =>
      underlayChange(await underlaySet(node, request, { dryRun }));
  },
  async 'underlay del'() {
    const { underlayDelete } = await import('../control/underlay/underlay.js');
    return async (node, { dryRun = false }) =>
      underlayChange(await underlayDelete(node, { dryRun }));
  },
  async 'underlay show'() {
    const { underlayShow } = await import('../control/underlay/underlay.js');
    return async (node) => {
      const row = await underlayShow(node);
      return row === undefined ? [] : [row];
    };
  },
  async 'node add'() {
    const { remoteNodeAdd } = await import('../control/underlay/remote-nodes.js');
    return async (node, { dryRun = false, ...request }) =>
      nodeChange(await remoteNodeAdd(node, request, { dryRun }));
  },
  async 'node del'() {
    const { remoteNodeDelete } = await import('../control/underlay/remote-nodes.js');
    return async (node, { dryRun = false, ...request }) =>
      nodeChange(await remoteNodeDelete(node, request, { dryRun }));
  },
  async 'node list'() {
    const { remoteNodeList } = await import('../control/underlay/remote-nodes.js');
    return remoteNodeList;
  },
  async 'cluster join'() {
    const { clusterJoin } = await import('../control/cluster/join.js');
    return async (node, request) => clusterChange(await clusterJoin(node, request));
  },
  async 'cluster leave'() {
    const { clusterLeave } = await import('../control/cluster/leave.js');
    return async (node, request) => clusterChange(await clusterLeave(node, request));
  },
  async 'cluster status'() {
    const { clusterStatus } = await import('../control/cluster/status.js');
    return clusterStatus;
  },
  async dump() {
    const { dump } = await import('../observe/dump/dump.js');
    return (node, { table }) => dump(node, table);
  },
  async status() {
    const { status } = await import('../observe/status/status.js');
    return status;
  },
  async 'fdb add'() {
    const { fdbAdd } = await import('../control/network/fdb.js');
    return async (node, { dryRun = false, ...request }) =>
      fdbChange(await fdbAdd(node, request, { dryRun }));
  },
  async 'fdb del'() {
    const { fdbDelete } = await import('../control/network/fdb.js');
    return async (node, { dryRun = false, ...request }) =>
      fdbChange(await fdbDelete(node, request, { dryRun }));
  },
  async 'fdb flush'() {
    const { fdbFlush } = await import('../control/network/fdb.js');
    return async (node, request) => fdbChange(await fdbFlush(node, request));
  },
  async reconcile() {
    const { reconcile } = await import('../control/node/reconcile.js');
    const { followOnce } = await import('../control/cluster/follow-once.js');
    return async (node, { dryRun = false }) => {
      const done = changeOf(await reconcile(node, { dryRun }));
      return dryRun ? done : followOnce(node, done);
    };
  },
};

/**
 * Carry out an operation on an open node.
 * @throws DpctlError NODE_NETNS_CHANGED, exit 3; what the operation throws
 */
export async function perform<Name extends OperationName>(
  node: Node,
  name: Name,
  request: RequestOf<Name>,
): Promise<ResultOf<Name>> {
  const { refuseLostNamespace } = await import('../control/node/namespace.js');
  refuseLostNamespace(node);
  const section = await OPERATIONS[name]();
  return section(node, request);
}

/** Only the fields of the type: anything else in a change stays here. */
function changeOf({ changed, plan, notes, milliseconds }: ChangeResult): ChangeResult {
  return { changed, plan, notes, milliseconds };
}

function endpointChange(change: EndpointChange): EndpointChange {
  const { endpoints, created, hook } = change;
  return { ...changeOf(change), endpoints, created, hook };
}

function networkChange(change: NetworkChange): NetworkChange {
  const { network, created } = change;
  return { ...changeOf(change), ...given({ network, created }) };
}

function underlayChange(change: UnderlayChange): UnderlayChange {
  return { ...changeOf(change), ...given({ underlay: change.underlay }) };
}

function nodeChange(change: RemoteNodeChange): RemoteNodeChange {
  const { node, created } = change;
  return { ...changeOf(change), ...given({ node, created }) };
}

function clusterChange(change: ClusterChange): ClusterChange {
  const { name, endpoints } = change;
  return { ...changeOf(change), name, endpoints };
}

function fdbChange(change: FdbChange): FdbChange {
  const { count, entries } = change;
  return { ...changeOf(change), count, entries };
}

/** The members that have a value. */
function given<T extends object>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
