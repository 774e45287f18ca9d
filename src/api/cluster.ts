/** Requests and rows of the commands on the cluster. */
import type { ChangeResult } from './change.js';

export interface ClusterJoinRequest {
  /** HOST:PORT of each member of etcd, or `etcd://HOST:PORT,...`. */
  readonly endpoints: readonly string[];
  /** Name of this node in the cluster; that of the host if left out. */
  readonly name?: string;
  /** Paths of PEM files: the authority that signed etcd's certificates, and a certificate with its key. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly user?: string;
  /** Kept in a file that only root can read; never shown again. */
  readonly password?: string;
  /** Seconds after which the entries of a lost node go. */
  readonly grace?: number;
}

export interface ClusterLeaveRequest {
  /** Leave although etcd does not answer: its records of this node stay there. */
  readonly force?: boolean;
}

/** Who is in a cluster. */
export interface ClusterNodeRow {
  readonly name: string;
  /** Its address. */
  readonly dst: string;
  /** `alive`, `lost`, or `no agent`: without one nobody can tell. */
  readonly state: string;
  /** This node. */
  readonly self: boolean;
  readonly endpoints: number;
  readonly networks: readonly string[];
  readonly build: string;
}

/** A member of etcd. */
export interface ClusterMemberRow {
  readonly endpoint: string;
  /** `leader`, `follower`, or why it does not answer. */
  readonly state: string;
  readonly version: string;
}

/** A cluster as this node sees it. */
export interface ClusterReport {
  /** Name of this node; empty: it is in no cluster. */
  readonly name: string;
  readonly members: readonly ClusterMemberRow[];
  /** Of etcd; 0 while it does not answer. */
  readonly revision: number;
  readonly nodes: readonly ClusterNodeRow[];
  readonly networks: readonly string[];
  /** Endpoints of this node that etcd does not have, or has and that are gone here. */
  readonly unsettled: number;
  /** Why etcd does not answer, or empty. */
  readonly error: string;
}

export interface ClusterChange extends ChangeResult {
  readonly name: string;
  readonly endpoints: readonly string[];
}
