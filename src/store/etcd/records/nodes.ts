/** Node records. Each node has a record, and a key with a lease that exists while the node is alive. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DpctlError } from '../../../../loader/errors.js';
import type { Etcd } from '../client.js';
import { commit } from './claim.js';
import { decode, encode, endpointsOf, KEYS, type NodeRecord, PREFIXES, SCHEMAS } from './schema.js';

/** Record of a node without its format version. */
export type NodeFacts = Omit<NodeRecord, 'version'>;

/** A node and its liveness. */
export interface ClusterNode extends NodeFacts {
  /** Its lease has not expired. Otherwise the node is lost; its endpoints stay until a user forgets it. */
  readonly isAlive: boolean;
}

/** Options of {@link registerNode}. */
export interface RegisterOptions {
  /** Time to live of the lease, in seconds. Without a renewal for that long, the node is lost. */
  readonly ttl?: number;
  /** Called with each error, and with undefined after each successful renewal. */
  readonly report?: (trouble: DpctlError | undefined) => void;
}

/** A registered node whose lease is renewed. */
export interface Registration {
  /** Stop the renewal and revoke the lease. The record stays. Does not wait for an unreachable store. */
  close(): Promise<void>;
}

const TTL = 15;
/** Maximum number of attempts to register a node while other writers change its record. */
const ATTEMPTS = 5;

/**
 * Register this node and renew its lease. If the lease expires because the store was unreachable, the node is
 * registered again as soon as possible.
 * @throws DpctlError NODE_NAME_TAKEN (another machine has it) or VTEP_IN_USE, exit 1; CLUSTER_..., exit 5
 */
export async function registerNode(
  etcd: Etcd,
  node: NodeFacts,
  { ttl = TTL, report = () => {} }: RegisterOptions = {},
): Promise<Registration> {
  const leased: NodeFacts = { ...node, leased: true };
  let lease = await enter(etcd, leased, ttl);
  const end = new AbortController();
  const { signal } = end;
  const keep = async (): Promise<void> => {
    let pause = (ttl * 1000) / 3;
    while (!signal.aborted) {
      await sleep(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        if ((await etcd.keepAlive(lease)) === 0) lease = await enter(etcd, leased, ttl);
        report(undefined);
        pause = (ttl * 1000) / 3;
      } catch (error) {
        report(error as DpctlError);
        // Retry several times before the lease expires.
        pause = (ttl * 1000) / 12;
      }
    }
  };
  const done = keep();
  return {
    async close() {
      end.abort();
      await done;
      // The node is not lost: its datapath keeps forwarding without an agent.
      await editNode(etcd, node, ({ leased: _, ...rest }) => rest).catch(() => {});
      await etcd.revokeLease(lease).catch(() => {});
    },
  };
}

/**
 * Write the record of a node without a lease, since it has no agent. Networks in the record are kept.
 * @throws DpctlError NODE_NAME_TAKEN (another machine has it) or VTEP_IN_USE, exit 1; CLUSTER_..., exit 5
 */
export async function enrolNode(etcd: Etcd, node: NodeFacts): Promise<void> {
  await enter(etcd, node, undefined);
}

/**
 * Edit the record of a node. A missing record, or that of another machine with this name, is not changed.
 * @returns whether the record is as requested now
 * @throws DpctlError CLUSTER_..., exit 5
 */
export async function editNode(
  etcd: Etcd,
  { name, id }: Pick<NodeFacts, 'name' | 'id'>,
  edit: (node: NodeFacts) => NodeFacts,
): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { entry } = await etcd.get(KEYS.node(name));
    if (entry === undefined) return false;
    const { version: _, ...there } = decode(SCHEMAS.node, entry);
    if (there.id !== id) return false;
    const value = encode(edit(there));
    if (value.equals(entry.value)) return true;
    if ((await commit(etcd, { seen: [entry], put: [{ key: entry.key, value }] })).done) return true;
  }
  throw busy(`change the record of node ${name}`);
}

/** Write the record of a node and, with a TTL, its key with a lease. @returns id of the lease */
async function enter(etcd: Etcd, node: NodeFacts, ttl: number | undefined): Promise<string> {
  const { name, id, vtep, build, leased } = node;
  const lease = ttl === undefined ? '' : await etcd.grantLease(ttl);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { entry } = await etcd.get(KEYS.node(name));
    const old = entry === undefined ? undefined : decode(SCHEMAS.node, entry);
    if (old !== undefined && old.id !== id) throw nameTaken(old);
    const vtepKey = KEYS.vtep(vtep);
    const holder = (await etcd.get(vtepKey)).entry;
    const owner = encode({ node: name });
    if (holder !== undefined && !holder.value.equals(owner)) {
      throw vtepTaken(vtep, decode(SCHEMAS.holder, holder).node);
    }
    const moved = old !== undefined && old.vtep !== vtep;
    const { networks = old?.networks, prefixes = old?.prefixes } = node;
    const lists = { ...(networks && { networks }), ...(prefixes && { prefixes }) };
    const { done } = await commit(etcd, {
      seen: [
        { key: KEYS.node(name), revision: entry?.revision ?? 0 },
        { key: vtepKey, revision: holder?.revision ?? 0 },
      ],
      put: [
        {
          key: KEYS.node(name),
          value: encode({ ...old, name, id, vtep, build, ...lists, ...(leased && { leased }) }),
        },
        { key: vtepKey, value: owner },
        ...(lease === ''
          ? []
          : [{ key: KEYS.alive(name), value: encode({ node: name, id, lease }), lease }]),
      ],
      remove: moved ? [KEYS.vtep(old.vtep)] : [],
    });
    if (done) return lease;
  }
  throw busy(`register node ${name}`);
}

/** All nodes, by name. @throws DpctlError CLUSTER_..., exit 5 */
export async function listNodes(etcd: Etcd): Promise<ClusterNode[]> {
  const alive = new Set((await etcd.list(PREFIXES.alive)).entries.map(({ key }) => key));
  return (await etcd.list(PREFIXES.nodes)).entries.map((entry) => {
    const { version: _, ...node } = decode(SCHEMAS.node, entry);
    return { ...node, isAlive: alive.has(KEYS.alive(node.name)) };
  });
}

/**
 * Delete the record of a node without endpoints. A node that is alive registers again.
 * @returns whether it existed
 * @throws DpctlError NODE_IN_USE (it has endpoints), exit 1; CLUSTER_..., exit 5
 */
export async function forgetNode(etcd: Etcd, name: string): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { entry } = await etcd.get(KEYS.node(name));
    if (entry === undefined) return false;
    const { vtep } = decode(SCHEMAS.node, entry);
    const { done } = await commit(etcd, {
      seen: [{ key: KEYS.node(name), revision: entry.revision }],
      empty: [endpointsOf(name)],
      remove: [KEYS.node(name), KEYS.vtep(vtep), KEYS.alive(name)],
    });
    if (done) return true;
    const { entries } = await etcd.list(endpointsOf(name));
    if (entries.length > 0) {
      throw new DpctlError('NODE_IN_USE', `node ${name} has ${entries.length} endpoints`, {
        exitCode: 1,
        hint: 'release them first: their addresses would be given to others',
        details: { node: name, endpoints: entries.length },
      });
    }
  }
  throw busy(`forget node ${name}`);
}

/** Error after too many attempts, when other writers keep changing the same records. */
export function busy(what: string): DpctlError {
  return new DpctlError(
    'CLUSTER_BUSY',
    `cannot ${what}: other nodes are changing the same records`,
    {
      exitCode: 5,
      hint: 'try again',
      details: { what },
    },
  );
}

function nameTaken({ name, id, vtep }: NodeRecord): DpctlError {
  return new DpctlError('NODE_NAME_TAKEN', `another machine has joined as ${name} (${vtep})`, {
    exitCode: 1,
    hint: 'choose another name; if that machine no longer exists, remove it first',
    details: { node: name, id, vtep },
  });
}

function vtepTaken(vtep: string, node: string): DpctlError {
  return new DpctlError('VTEP_IN_USE', `${vtep} is the address of node ${node}`, {
    exitCode: 1,
    hint: 'give each node an address of its own; if that node no longer exists, remove it first',
    details: { vtep, node },
  });
}
