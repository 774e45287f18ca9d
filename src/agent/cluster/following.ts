/**
 * The agent's part of a cluster: it keeps this node's lease, tells etcd what the node has, and takes over what
 * the other nodes have. While etcd is away everything stays as it was last known.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CALL, membershipOf, settingsOf } from '../../control/cluster/connection.js';
import { settleNode } from '../../control/cluster/follow-once.js';
import { pull } from '../../control/cluster/pull.js';
import { factsOf } from '../../control/cluster/settle.js';
import type { Node } from '../../control/node/node.js';
import { hostPath } from '../../linux/mountns.js';
import type { State } from '../../model/state/state.js';
import type { Etcd } from '../../store/etcd/client.js';
import { type Registration, registerNode } from '../../store/etcd/records/nodes.js';
import { PREFIXES } from '../../store/etcd/records/schema.js';
import { confirmingDeletes, lookAt } from '../../store/etcd/watch/confirm-deletes.js';
import { follow } from '../../store/etcd/watch/follow.js';
import type { Delivery } from '../../store/etcd/watch/known-records.js';
import { type Membership, readPassword } from '../../store/membership.js';
import type { ActionQueue } from '../action-queue.js';
import { errorFields, type Logger } from '../log.js';
import { newElsewhere } from './endpoints.js';
import { newLostNodes } from './lost.js';

/** Milliseconds before a large loss is believed, and for which nothing goes after a store was replaced. */
const DOUBT = 15_000;
/** Milliseconds between attempts that have failed, and between settlements that should find nothing. */
const RETRY = 2_000;
const SETTLE = 600_000;
/** Milliseconds that leaving may take when the agent ends. */
const GOODBYE = 600;

/** What a follower works with. */
export interface FollowerOptions {
  readonly node: Node;
  readonly log: Logger;
  readonly queue: ActionQueue;
}

/** A cluster that is followed. */
export interface Following {
  place(state: State): void;
  compare(): void;
  stop(): Promise<void>;
}

/**
 * Follow a cluster until it is stopped. Troubles are logged, and tried again.
 * @param former the end of following the one before, which gives back its lease
 */
export function startFollowing(
  { node, log, queue }: FollowerOptions,
  membership: Membership,
  state: State,
  former: Promise<void>,
): Following {
  const ending = new AbortController();
  const { signal } = ending;
  const elsewhere = newElsewhere(node, membership.name);
  const lost = newLostNodes();
  let etcd: Etcd | undefined;
  let registration: Registration | undefined;
  let said = '';
  let careful = 0;
  let expiredThen = '';
  let settleAt = 0;
  let wanted = { pull: true };
  let wake = (): void => {};

  const report = (trouble: Error | undefined): void => {
    const words = trouble === undefined ? '' : JSON.stringify(errorFields(trouble));
    if (words === said) return;
    if (words === '') {
      log.info('etcd answers again');
      settleAt = 0;
      wake();
    } else if (said === '') {
      log.warn(errorFields(trouble), 'etcd is away: forwarding goes on with what is known');
    }
    said = words;
  };
  const soon = (): void => {
    wanted = { pull: true };
    wake();
  };
  const inTurn = <T>(section: () => T | Promise<T>): Promise<T> => queue.run(section, signal);

  /** Settle and take over, one after the other, when there is a reason. */
  const work = async (client: Etcd): Promise<void> => {
    while (!signal.aborted) {
      try {
        if (performance.now() >= settleAt) {
          await inTurn(async () => {
            const now = membershipOf(node);
            if (now === undefined) return;
            for (const each of await settleNode(node, client, now)) {
              log.warn({ error: each }, 'another node has what an endpoint here uses');
            }
          });
          settleAt = performance.now() + SETTLE * (0.8 + 0.4 * Math.random());
          wanted = { pull: true };
        }
        if (wanted.pull) {
          wanted = { pull: false };
          await takeOver(client);
        }
      } catch (error) {
        if (signal.aborted) return;
        log.debug(errorFields(error), 'the cluster was not looked at; trying again');
        wanted = { pull: true };
        await pauseOf(RETRY, signal);
      }
      const rest = lost.size > 0 ? Math.min(RETRY, membership.grace * 250) : SETTLE;
      if (!wanted.pull && performance.now() < settleAt) {
        await Promise.race([pauseOf(rest, signal), awake()]);
      }
      if (expiredNow() !== expiredThen) wanted = { pull: true };
    }
  };
  const awake = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const expiredNow = (): string => [...lost.expired(membership.grace * 1000)].join();
  const takeOver = async (client: Etcd): Promise<void> => {
    const isCareful = performance.now() < careful;
    const expired = lost.expired(membership.grace * 1000);
    expiredThen = expiredNow();
    const options = { follows: true, expired, isCareful };
    const pulled = await inTurn(() => pull(node, client, membership, options));
    for (const each of pulled.problems) log.warn({ error: each }, 'not taken over');
    if (pulled.changed) log.info({ notes: pulled.plan.length }, 'took over what the cluster has');
    if (pulled.held > 0) {
      log.warn({ nodes: pulled.held }, 'many nodes are gone at once: looking again before they go');
      await pauseOf(DOUBT, signal);
      await inTurn(() => pull(node, client, membership, { ...options, isSure: true }));
    } else if (isCareful) {
      setTimeout(soon, careful - performance.now() + 10).unref();
    }
  };
  const onReset = ({ cause }: Delivery): void => {
    if (cause !== 'reset') return;
    log.warn('etcd was replaced or restored: nothing goes before all have told it what they have');
    careful = performance.now() + DOUBT;
    settleAt = 0;
  };
  const followRecords = async (client: Etcd, prefix: string): Promise<void> => {
    for await (const delivery of follow(client, prefix, { signal, report })) {
      onReset(delivery);
      if (prefix !== PREFIXES.networks) lost.deliver(delivery);
      soon();
    }
  };
  const followEndpoints = async (client: Etcd): Promise<void> => {
    const held = (count: number, of: number): void =>
      log.warn({ count, of }, 'many endpoints are gone at once: looking again before they go');
    const second = { delay: DOUBT, look: lookAt(client, PREFIXES.endpoints), held };
    const deliveries = follow(client, PREFIXES.endpoints, { signal, report });
    for await (const delivery of confirmingDeletes(deliveries, second)) {
      onReset(delivery);
      await inTurn(() => {
        for (const each of elsewhere.deliver(delivery)) log.warn({ key: each }, 'not readable');
      }).catch((error) => {
        if (!signal.aborted) log.warn(errorFields(error), 'entries of other nodes are not written');
      });
    }
  };
  const run = async (): Promise<void> => {
    await former;
    // Takes 50 ms to load.
    const { openEtcd } = await import('../../store/etcd/client.js');
    const password = readPassword(hostPath(node.paths.stateDir));
    const client = openEtcd({ ...settingsOf(membership, password), timing: { call: CALL } });
    etcd = client;
    if (signal.aborted) return;
    node.cluster.live = { etcd: client, taken: (network) => elsewhere.taken(network) };
    const facts = factsOf(membership.name, state);
    const register = async (): Promise<void> => {
      while (!signal.aborted && registration === undefined) {
        try {
          registration = await registerNode(client, facts, { report });
        } catch (error) {
          report(error as Error);
          await pauseOf(RETRY, signal);
        }
      }
    };
    log.info({ name: membership.name, etcd: membership.endpoints }, 'following the cluster');
    await Promise.all([
      register(),
      work(client),
      followRecords(client, PREFIXES.nodes),
      followRecords(client, PREFIXES.alive),
      followRecords(client, PREFIXES.networks),
      followEndpoints(client),
    ]);
  };
  elsewhere.place(state);
  const done = run().catch((error) => {
    if (!signal.aborted) log.error(errorFields(error), 'the cluster is not followed');
  });
  return {
    place: (now) => void inTurn(() => elsewhere.place(now)).catch(() => {}),
    compare: () => void inTurn(() => elsewhere.compare()).catch(() => {}),
    async stop() {
      ending.abort();
      wake();
      await Promise.race([
        Promise.all([registration?.close(), done]),
        sleep(GOODBYE, undefined, { ref: false }),
      ]);
      etcd?.close();
    },
  };
}

function pauseOf(milliseconds: number, signal: AbortSignal): Promise<void> {
  return sleep(milliseconds, undefined, { signal, ref: false }).catch(() => {});
}
