/** cluster status: who is in the cluster, as etcd says, and what it says of this node. */
import { DpctlError } from '../../../loader/errors.js';
import type { ClusterMemberRow, ClusterNodeRow, ClusterReport } from '../../api/cluster.js';
import { hostPath } from '../../linux/mountns.js';
import type { Etcd } from '../../store/etcd/client.js';
import { listNodes } from '../../store/etcd/records/nodes.js';
import { PREFIXES } from '../../store/etcd/records/schema.js';
import { readPassword } from '../../store/membership.js';
import type { Node } from '../node/node.js';
import { membershipOf, settingsOf, withClient } from './connection.js';
import { unsettled } from './settle.js';

const NONE: ClusterReport = {
  ...{ name: '', members: [], revision: 0, nodes: [], networks: [], unsettled: 0, error: '' },
};
/** Milliseconds that a member has to answer. */
const ATTEMPT = 1500;

/**
 * The cluster of a node; of a node that is in none, a report without a name. etcd may be away: then the
 * report says so, and holds what this node knows.
 */
export async function clusterStatus(node: Node): Promise<ClusterReport> {
  const membership = membershipOf(node);
  if (membership === undefined) return NONE;
  const { name, endpoints } = membership;
  const { state } = await node.store.load();
  const known: ClusterReport = {
    ...NONE,
    name,
    nodes: state.nodes
      .filter(({ cluster }) => cluster === true)
      .map((each): ClusterNodeRow => {
        const { vtep: dst, networks = [] } = each;
        return {
          name: each.name,
          dst,
          state: 'unknown',
          self: false,
          endpoints: 0,
          networks,
          build: '',
        };
      }),
    networks: state.networks.map((each) => each.name),
  };
  const timing = { attempt: ATTEMPT, call: 2 * ATTEMPT };
  try {
    const password = readPassword(hostPath(node.paths.stateDir));
    const settings = { ...settingsOf(membership, password), timing };
    const asked = endpoints.map((endpoint) =>
      withClient({ ...settings, endpoints: [endpoint] }, (etcd) => memberRow(etcd, endpoint)),
    );
    const members = (await Promise.all(asked)).map(({ row }) => row);
    const seen = { ...known, members };
    return await withClient(settings, async (etcd) => {
      const nodes = await nodeRows(etcd, name);
      const { entries, place } = await etcd.list(PREFIXES.networks);
      return {
        ...seen,
        ...{ nodes, revision: place.revision },
        networks: entries.map(({ key }) => key.slice(PREFIXES.networks.length)),
        unsettled: await unsettled(etcd, name, state),
      };
    }).catch((error) => ({ ...seen, error: textOf(error) }));
  } catch (error) {
    return { ...known, error: textOf(error) };
  }
}

async function memberRow(
  etcd: Etcd,
  endpoint: string,
): Promise<{ readonly row: ClusterMemberRow }> {
  try {
    const { role, version } = await etcd.member();
    return { row: { endpoint, state: role, version } };
  } catch (error) {
    return { row: { endpoint, state: textOf(error), version: '' } };
  }
}

async function nodeRows(etcd: Etcd, self: string): Promise<ClusterNodeRow[]> {
  const counts = new Map<string, number>();
  for (const { key } of (await etcd.list(PREFIXES.endpoints)).entries) {
    const [owner = ''] = key.slice(PREFIXES.endpoints.length).split('/');
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  return (await listNodes(etcd)).map((each) => ({
    name: each.name,
    dst: each.vtep,
    state: each.isAlive ? 'alive' : each.leased === true ? 'lost' : 'no agent',
    self: each.name === self,
    endpoints: counts.get(each.name) ?? 0,
    networks: each.networks ?? [],
    build: each.build,
  }));
}

function textOf(error: unknown): string {
  if (!(error instanceof DpctlError)) throw error;
  return error.message;
}
