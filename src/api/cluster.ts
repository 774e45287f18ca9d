/** Requests and rows of the cluster commands. */
import type { ChangeResult } from './change.js';

export interface ClusterJoinRequest {
  /** HOST:PORT of each etcd member, or `etcd://HOST:PORT,...`. */
  readonly endpoints: readonly string[];
  /** Name of this node in the cluster; the host name by default. */
  readonly name?: string;
  /** Paths of PEM files: CA certificate of etcd, and client certificate and key. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly user?: string;
  /** Stored in a file that only root can read, and never displayed. */
  readonly password?: string;
  /** Seconds after which the entries of a lost node are deleted. */
  readonly grace?: number;
}

export interface ClusterLeaveRequest {
  /** Leave even if etcd does not answer. The records of this node stay in etcd then. */
  readonly force?: boolean;
}

/** Node of a cluster. */
export interface ClusterNodeRow {
  readonly name: string;
  /** Underlay address of the node. */
  readonly dst: string;
  /** `alive`, `lost`, or `no agent`: without an agent, its liveness is unknown. */
  readonly state: string;
  /** true for this node. */
  readonly self: boolean;
  readonly endpoints: number;
  readonly networks: readonly string[];
  readonly build: string;
}

/** Member of the etcd cluster. */
export interface ClusterMemberRow {
  readonly endpoint: string;
  /** `leader`, `follower`, or the reason why it does not answer. */
  readonly state: string;
  readonly version: string;
}

/** View of the cluster from this node. */
export interface ClusterReport {
  /** Name of this node; empty if it is not in a cluster. */
  readonly name: string;
  readonly members: readonly ClusterMemberRow[];
  /** Revision of etcd; 0 while it does not answer. */
  readonly revision: number;
  readonly nodes: readonly ClusterNodeRow[];
  readonly networks: readonly string[];
  /** Number of endpoints that exist only on this node or only in its etcd records. */
  readonly unsettled: number;
  /** Reason why etcd does not answer, or empty. */
  readonly error: string;
}

export interface ClusterChange extends ChangeResult {
  readonly name: string;
  readonly endpoints: readonly string[];
}
