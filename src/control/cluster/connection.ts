/** How a node reaches the etcd of its cluster: by the agent's open client, or by one for a single command. */
import { readFileSync } from 'node:fs';
import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import { hostPath } from '../../linux/mountns.js';
import type { Etcd } from '../../store/etcd/client.js';
import type { EtcdSettings } from '../../store/etcd/wire/link.js';
import { type Membership, readMembership, readPassword } from '../../store/membership.js';
import type { Node } from '../node/node.js';

/** What the agent of a node lends to the changes it carries out. */
export interface LiveCluster {
  readonly etcd: Etcd;
  /** Addresses of a network that endpoints of other nodes have; undefined while that is not known. */
  taken(network: string): readonly string[] | undefined;
}

/** A place in a node's value for the agent to put that; empty in other processes. */
export interface ClusterSlot {
  live: LiveCluster | undefined;
  /** When etcd was last found away, and how: what follows in the same command need not wait again. */
  away?: { readonly at: number; readonly error: DpctlError } | undefined;
}

/** Milliseconds for a call of a command: a user waits for it. */
export const CALL = 4000;
/** Milliseconds for which etcd that was away counts as away without being asked. */
const STILL_AWAY = 2000;

/** The membership of a node. @returns undefined: it is in no cluster @throws as readMembership */
export function membershipOf({ paths }: Node): Membership | undefined {
  return readMembership(hostPath(paths.stateDir));
}

/** Use the etcd of a node's cluster for one section. */
export async function withEtcd<T>(
  node: Node,
  membership: Membership,
  section: (etcd: Etcd) => Promise<T>,
): Promise<T> {
  const { live, away } = node.cluster;
  if (away !== undefined && performance.now() - away.at < STILL_AWAY) throw away.error;
  node.cluster.away = undefined;
  try {
    if (live !== undefined) return await section(live.etcd);
    const settings = settingsOf(membership, readPassword(hostPath(node.paths.stateDir)));
    return await withClient({ ...settings, timing: { call: CALL } }, section);
  } catch (error) {
    if (isAway(error)) node.cluster.away = { at: performance.now(), error };
    throw error;
  }
}

/** Use an etcd for one section, and close it: an open one keeps the process. */
export async function withClient<T>(
  settings: EtcdSettings,
  section: (etcd: Etcd) => Promise<T>,
): Promise<T> {
  // Takes 50 ms to load.
  const { openEtcd } = await import('../../store/etcd/client.js');
  const etcd = openEtcd(settings);
  try {
    return await section(etcd);
  } finally {
    etcd.close();
  }
}

/** @throws DpctlError CLUSTER_CREDENTIALS, exit 5, for a file that cannot be read */
export function settingsOf(membership: Membership, password: string | undefined): EtcdSettings {
  const { endpoints, ca, cert, key, user, tls } = membership;
  const pem = {
    ...(ca !== undefined && { ca: readPem(ca) }),
    ...(cert !== undefined && { cert: readPem(cert) }),
    ...(key !== undefined && { key: readPem(key) }),
  };
  return {
    endpoints,
    ...((tls || Object.keys(pem).length > 0) && { tls: pem }),
    ...(user !== undefined && { user: { name: user, password: password ?? '' } }),
  };
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DpctlError('CLUSTER_CREDENTIALS', `${path} cannot be read: ${why}`, {
      exitCode: 5,
      hint: run`cluster join etcd://HOST:2379 --ca FILE --cert FILE --key FILE`,
      details: { path },
      cause,
    });
  }
}

/** True for an error that says that etcd is away, or takes no more: nothing was decided. */
export function isAway(error: unknown): error is DpctlError {
  return error instanceof DpctlError && error.exitCode === 5 && /^CLUSTER_/.test(error.code);
}
