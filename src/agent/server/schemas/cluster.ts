/** The schemas of a cluster's results. */
import * as z from 'zod/mini';
import type { ClusterChange, ClusterReport } from '../../../api/cluster.js';
import { change, flag, number, text, texts } from './parts.js';

/** What joining and leaving report. */
export const clusterChange: z.ZodMiniType<ClusterChange> = z.strictObject({
  ...change,
  name: text('name of this node in the cluster'),
  endpoints: texts('members of etcd'),
});

/** A cluster as a node sees it. */
export const clusterReport: z.ZodMiniType<ClusterReport> = z.strictObject({
  name: text('name of this node; empty where it is in no cluster'),
  members: z.array(
    z.strictObject({
      endpoint: text('where it listens'),
      state: text('leader, follower, no leader, or why it does not answer'),
      version: text('version of etcd, or empty'),
    }),
  ),
  revision: number('of etcd; 0 while it does not answer'),
  nodes: z.array(
    z.strictObject({
      name: text('name of the node'),
      dst: text('its address'),
      state: text('alive, lost, no agent, or unknown while etcd does not answer'),
      self: flag('it is this node'),
      endpoints: number('endpoints there'),
      networks: texts('networks that it has endpoints on'),
      build: text('build of dpctl there'),
    }),
  ),
  networks: texts('networks of the cluster'),
  unsettled: number('endpoints of this node that etcd lacks, or has in vain'),
  error: text('why etcd does not answer, or empty'),
});
