/** cluster join: from now on this node shares networks, addresses and nodes with others. */
import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import type { ClusterChange, ClusterJoinRequest } from '../../api/cluster.js';
import { hostPath } from '../../linux/mountns.js';
import { hostName } from '../../linux/process.js';
import type { ClusterNetwork } from '../../model/state/cluster.js';
import { checkNodeName } from '../../model/state/names.js';
import type { State } from '../../model/state/state.js';
import type { Etcd } from '../../store/etcd/client.js';
import {
  type Membership,
  readMembership,
  readPassword,
  removeMembership,
  saveMembership,
} from '../../store/membership.js';
import type { Node } from '../node/node.js';
import { settingsOf, withClient } from './connection.js';
import { readEndpoints } from './endpoints-text.js';
import { removeRecords } from './leave.js';
import { pull, readView } from './pull.js';
import { writeRemoteEntries } from './remote-entries.js';
import { factsOf, settle } from './settle.js';

/** Seconds after which the entries of a lost node go, unless something else is asked for. */
const GRACE = 300;

/**
 * Join a cluster: check the connection, register this node, claim what it has, and follow what others have.
 * Safe to repeat; on failure nothing has changed.
 * @throws DpctlError CLUSTER_ENDPOINT_INVALID, CLUSTER_JOINED (another cluster, or by another name),
 *   CLUSTER_NEEDS_UNDERLAY, NETWORK_MISMATCH, VNI_IN_USE, ADDRESS_IN_USE, MAC_IN_USE, NODE_NAME_TAKEN,
 *   VTEP_IN_USE, exit 1; CLUSTER_..., exit 5
 */
export async function clusterJoin(node: Node, request: ClusterJoinRequest): Promise<ClusterChange> {
  const start = performance.now();
  const stateDir = hostPath(node.paths.stateDir);
  const { state } = await node.store.load();
  const wanted = membershipFor(request);
  const former = readMembership(stateDir);
  refuseOther(former, wanted);
  factsOf(wanted.name, state);
  const password = request.password ?? readPassword(stateDir);
  const { password: _, ...settings } = { ...settingsOf(wanted, password), password };
  return withClient(settings, async (etcd) => {
    // Answers before anything is changed.
    const view = await readView(etcd, wanted, state);
    if (former === undefined) refuseConflicts(state, view.networks);
    const { refused, undo, claimed } = await enter(node, etcd, wanted);
    const takeBack = async (): Promise<void> => {
      for (const back of undo) await back().catch(() => {});
      if (former === undefined) await removeRecords(etcd, wanted.name).catch(() => {});
    };
    const [first] = refused;
    if (first !== undefined) {
      await takeBack();
      throw first;
    }
    const same = former !== undefined && isDeepStrictEqual(former, { ...former, ...wanted });
    try {
      saveMembership(stateDir, { ...former, ...wanted, unsettled: false }, request.password);
      const pulled = await pull(node, etcd, wanted);
      await writeRemoteEntries(node, etcd, wanted.name);
      return {
        ...pulled,
        changed: pulled.changed || !same || claimed > 0,
        notes: [...pulled.notes, ...pulled.problems],
        milliseconds: performance.now() - start,
        ...{ name: wanted.name, endpoints: wanted.endpoints },
      };
    } catch (error) {
      if (former === undefined) {
        removeMembership(stateDir);
        await takeBack();
      }
      throw error;
    }
  });
}

async function enter(node: Node, etcd: Etcd, { name }: Membership) {
  const release = await node.store.lock();
  try {
    return await settle(etcd, name, (await node.store.load()).state, true);
  } finally {
    release();
  }
}

function membershipFor(request: ClusterJoinRequest): Membership {
  const { ca, cert, key, user, grace = GRACE } = request;
  const { endpoints, tls } = readEndpoints(request.endpoints);
  if ((cert === undefined) !== (key === undefined)) {
    throw new DpctlError('USAGE', '--cert and --key belong together', {
      exitCode: 1,
      hint: run`cluster join etcd://HOST:2379 --cert FILE --key FILE`,
    });
  }
  return {
    endpoints,
    name: checkNodeName(request.name ?? hostName()),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(user !== undefined && { user }),
    tls,
    grace,
  };
}

function refuseOther(former: Membership | undefined, { name }: Membership): void {
  if (former === undefined || former.name === name) return;
  throw new DpctlError('CLUSTER_JOINED', `this node is in a cluster already, as ${former.name}`, {
    exitCode: 1,
    hint: run`cluster leave`,
    details: { name: former.name, endpoints: former.endpoints },
  });
}

/** A network of this node and one of the cluster that cannot both be. */
function refuseConflicts(state: State, theirs: readonly ClusterNetwork[]): void {
  for (const ours of state.networks) {
    const same = theirs.find(({ name }) => name === ours.name);
    const differs = (['vni', 'subnet4', 'subnet6'] as const).filter(
      (key) => same !== undefined && same[key] !== ours[key],
    );
    const [first] = differs;
    if (first !== undefined) {
      throw new DpctlError(
        'NETWORK_MISMATCH',
        `network ${ours.name} has ${first} ${ours[first] ?? 'none'} here and ${same?.[first] ?? 'none'} in the cluster`,
        {
          exitCode: 1,
          hint: run`network del ${ours.name}`,
          details: { network: ours.name, differs },
        },
      );
    }
    const holder = theirs.find(({ name, vni }) => vni === ours.vni && name !== ours.name);
    if (holder !== undefined) {
      throw new DpctlError(
        'VNI_IN_USE',
        `VNI ${ours.vni} belongs to network ${ours.name} here and to ${holder.name} in the cluster`,
        {
          exitCode: 1,
          hint: run`network add ${ours.name} --vni NUMBER`,
          details: { vni: ours.vni, network: ours.name, other: holder.name },
        },
      );
    }
  }
}
