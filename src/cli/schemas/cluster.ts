import type { ClusterMemberRow, ClusterNodeRow } from '../../api/cluster.js';
import { schemaOf } from './schema.js';

/** What `cluster join` and `cluster leave` report. */
export const CLUSTER = schemaOf<{
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly changed: boolean;
  readonly milliseconds: number;
}>()({
  name: 'cluster',
  nameKey: 'name',
  columns: [
    { key: 'name', type: 'text', doc: 'name of this node in the cluster' },
    { key: 'endpoints', type: 'list', doc: 'members of etcd' },
    { key: 'changed', type: 'boolean', wide: true, doc: 'false if nothing had to change' },
    { key: 'milliseconds', type: 'number', unit: 'ms', wide: true, doc: 'how long it took' },
  ],
});

/** Nodes in `cluster status`. */
export const CLUSTER_NODE = schemaOf<ClusterNodeRow>()({
  name: 'cluster node',
  nameKey: 'name',
  columns: [
    { key: 'name', type: 'text', doc: 'name of the node' },
    { key: 'dst', type: 'text', doc: 'its address on the underlay' },
    {
      key: 'state',
      type: 'text',
      doc: 'alive, lost, no agent (nobody can tell), or unknown while etcd does not answer',
    },
    { key: 'self', type: 'boolean', doc: 'it is this node' },
    { key: 'endpoints', type: 'number', doc: 'endpoints there' },
    { key: 'networks', type: 'list', doc: 'networks that it has endpoints on' },
    { key: 'build', type: 'text', doc: 'build of dpctl there' },
  ],
});

/** Members of etcd in `cluster status`. */
export const CLUSTER_MEMBER = schemaOf<ClusterMemberRow>()({
  name: 'cluster member',
  nameKey: 'endpoint',
  columns: [
    { key: 'endpoint', type: 'text', doc: 'where it listens' },
    { key: 'state', type: 'text', doc: 'leader, follower, no leader, or why it does not answer' },
    { key: 'version', type: 'text', doc: 'version of etcd, or empty' },
  ],
});
