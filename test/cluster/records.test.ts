/** The records that nodes share, on a real etcd: who gets what when several want it at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { formatIp } from '../../src/model/address/ip.js';
import { addressOf, contains, parsePrefix } from '../../src/model/address/prefix.js';
import type { Etcd } from '../../src/store/etcd/client.js';
import {
  claimEndpoint,
  claimFreeEndpoint,
  listEndpoints,
  releaseEndpoint,
} from '../../src/store/etcd/records/endpoints.js';
import {
  claimNetwork,
  type NetworkWish,
  releaseNetwork,
} from '../../src/store/etcd/records/networks.js';
import { forgetNode, listNodes, registerNode } from '../../src/store/etcd/records/nodes.js';
import { listRanges, releaseRange, reserveRange } from '../../src/store/etcd/records/ranges.js';
import {
  addressesOf,
  addressTextOfKey,
  decode,
  KEYS,
  PREFIXES,
  SCHEMAS,
} from '../../src/store/etcd/records/schema.js';
import { testRequiring } from '../helpers/requirements.js';
import { put, until } from './helpers/follower.js';
import { type Cluster, etcd, startCluster } from './helpers/members.js';
import { startProxy } from './helpers/proxy.js';

const maybe = testRequiring(etcd).serial;
let cluster: Cluster;
let client: Etcd;

test.before(async () => {
  if (etcd() !== undefined) return;
  cluster = await startCluster();
  client = cluster.client();
});
test.after.always(() => cluster?.close());

const network = (name: string, more: Partial<NetworkWish> = {}): NetworkWish => ({
  ...{ name, ageing: 300, masquerade: false, bigTcp: false },
  ...more,
});

async function refused(t: ExecutionContext, code: string, run: Promise<unknown>): Promise<void> {
  const error = await t.throwsAsync(run, { instanceOf: DpctlError });
  t.is(error?.code, code, error?.message);
  t.truthy(error?.hint);
}

/** A node that has joined until the test ends. */
async function join(t: ExecutionContext, name: string, number: number): Promise<string> {
  const facts = { name, id: `id of ${name}`, vtep: `192.0.2.${number}`, build: 'test' };
  const registration = await registerNode(client, facts, { ttl: 30 });
  t.teardown(() => registration.close());
  return name;
}

maybe('a node lives as long as its lease, and comes back by itself', async (t) => {
  const facts = { name: 'one', id: 'id1', vtep: '192.0.2.1', build: 'a' };
  const proxy = await startProxy(cluster.endpoints[0] as string);
  t.teardown(() => proxy.close());
  const own = cluster.client({ endpoints: [proxy.endpoint] });
  const troubles: string[] = [];
  t.teardown(() => own.close());
  const registration = await registerNode(own, facts, {
    ttl: 2,
    report: (error) => void (error !== undefined && troubles.push(error.code)),
  });
  t.teardown(() => registration.close());
  const isAlive = async (): Promise<boolean | undefined> =>
    (await listNodes(client)).find(({ name }) => name === 'one')?.isAlive;
  t.true(await isAlive());
  await sleep(3000);
  t.true(await isAlive(), `it is kept alive: ${troubles}`);
  proxy.cutAfter();
  const lost = await until('it is lost', async () => (await isAlive()) === false);
  t.deepEqual([...new Set(troubles)], ['CLUSTER_UNREACHABLE']);
  proxy.heal();
  const back = await until('it is back', async () => (await isAlive()) === true);
  await registration.close();
  t.false(await isAlive(), 'it says that it goes, and its record stays');
  t.log(`lost after ${lost.toFixed(0)} ms (lease 2 s), back after ${back.toFixed(0)} ms`);
  t.true(await forgetNode(client, 'one'));
  t.false(await forgetNode(client, 'one'));
  t.deepEqual((await client.list('/dpctl/')).entries, []);
});

maybe('a name and a VTEP belong to one machine', async (t) => {
  await join(t, 'n1', 11);
  const other = { name: 'n2', id: 'id2', vtep: '192.0.2.12', build: 'b' };
  await refused(t, 'NODE_NAME_TAKEN', registerNode(client, { ...other, name: 'n1' }));
  await refused(t, 'VTEP_IN_USE', registerNode(client, { ...other, vtep: '192.0.2.11' }));
  const first = await registerNode(client, other);
  await first.close();
  // The same machine after an upgrade, with another address: its old one is free.
  const second = await registerNode(client, { ...other, vtep: '192.0.2.13', build: 'c' });
  await second.close();
  t.deepEqual(
    (await listNodes(client)).map(({ name, vtep, build }) => [name, vtep, build]),
    [
      ['n1', '192.0.2.11', 'test'],
      ['n2', '192.0.2.13', 'c'],
    ],
  );
  t.is((await client.get(KEYS.vtep('192.0.2.12'))).entry, undefined);
});

maybe('a network is created once, and its VNI is not reused', async (t) => {
  const asked = Array.from({ length: 8 }, (_, index) => network(`race${index % 4}`));
  const made = await Promise.all(asked.map((each) => claimNetwork(cluster.client(), each)));
  const vnis = new Map(made.map(({ name, vni }) => [name, vni]));
  t.is(vnis.size, 4);
  t.is(new Set(vnis.values()).size, 4);
  for (const { name, vni } of made) t.is(vnis.get(name), vni);
  const vni = vnis.get('race0') as number;
  await refused(t, 'VNI_IN_USE', claimNetwork(client, network('other', { vni })));
  await refused(t, 'NETWORK_MISMATCH', claimNetwork(client, network('race0', { ageing: 60 })));
  for (const name of vnis.keys()) t.true(await releaseNetwork(client, name));
  t.false(await releaseNetwork(client, 'race0'));
  t.deepEqual((await client.list(PREFIXES.vnis)).entries, []);
});

maybe('an endpoint owns its addresses and its MAC, and is deleted with them', async (t) => {
  const [a, b] = [await join(t, 'a', 21), await join(t, 'b', 22)];
  const subnets = { subnet4: '10.9.0.0/24', subnet6: 'fd00:9::/64', gateway: { ip4: '10.9.0.1' } };
  await claimNetwork(client, network('blue', subnets));
  const wish = { id: 1, network: 'blue', ip4: '10.9.0.7/24', ip6: 'fd00:9::7/64' };
  const claimed = await claimEndpoint(client, a, wish);
  t.is(claimed.mac, '0a:58:0a:09:00:07');
  t.deepEqual(await claimEndpoint(client, a, wish), claimed, 'asked twice, as after a lost answer');
  const other = { id: 1, network: 'blue', ip4: '10.9.0.8/24' };
  await refused(t, 'ADDRESS_IN_USE', claimEndpoint(client, b, wish));
  await refused(t, 'ADDRESS_IN_USE', claimEndpoint(client, b, { ...other, ip6: 'fd00:9::7/64' }));
  await refused(t, 'MAC_IN_USE', claimEndpoint(client, b, { ...other, mac: claimed.mac }));
  await refused(t, 'ENDPOINT_IN_USE', claimEndpoint(client, a, other));
  for (const ip4 of ['10.8.0.1/24', '10.9.0.0/24', '10.9.0.1/24', '10.9.0.255/24']) {
    await refused(t, 'ADDRESS_OUTSIDE_SUBNET', claimEndpoint(client, b, { ...other, ip4 }));
  }
  await refused(t, 'NODE_NOT_FOUND', claimEndpoint(client, 'stranger', other));
  await refused(t, 'NETWORK_NOT_FOUND', claimEndpoint(client, b, { ...other, network: 'green' }));
  t.is((await claimFreeEndpoint(client, b, { id: 2, network: 'blue' })).ip4, '10.9.0.2/24');
  await refused(t, 'NETWORK_IN_USE', releaseNetwork(client, 'blue'));
  await refused(t, 'NODE_IN_USE', forgetNode(client, a));
  t.false(await releaseEndpoint(client, b, 1), "another node's is not ours to give back");
  t.is((await listEndpoints(client, a)).length, 1);
  t.true(await releaseEndpoint(client, a, 1));
  t.false(await releaseEndpoint(client, a, 1));
  await claimEndpoint(client, b, wish);
  for (const id of [1, 2]) t.true(await releaseEndpoint(client, b, id));
  t.deepEqual((await client.list(addressesOf('blue'))).entries, []);
  t.true(await releaseNetwork(client, 'blue'));
});

maybe('other nodes get no address of a reserved range', async (t) => {
  const [a, b] = [await join(t, 'a', 21), await join(t, 'b', 22)];
  await claimNetwork(client, network('red', { subnet4: '10.7.0.0/26' }));
  await claimEndpoint(client, b, { id: 1, network: 'red', ip4: '10.7.0.5/26' });
  const block = await reserveRange(client, a, 'red', 4);
  t.is(block && formatIp(block), '10.7.0.16', 'the first in which nobody has an address');
  await refused(
    t,
    'ADDRESS_IN_USE',
    claimEndpoint(client, b, { id: 2, network: 'red', ip4: '10.7.0.20/26' }),
  );
  t.is((await claimFreeEndpoint(client, a, { id: 1, network: 'red' })).ip4, '10.7.0.16/26');
  t.is((await claimFreeEndpoint(client, b, { id: 2, network: 'red' })).ip4, '10.7.0.1/26');
  const blocks = await Promise.all(
    [a, b, a, b].map((node) => reserveRange(client, node, 'red', 4)),
  );
  const got = blocks.filter((each) => each !== undefined).map(formatIp);
  t.deepEqual(got.sort(), ['10.7.0.32', '10.7.0.48'], 'there are two left');
  t.is(await reserveRange(client, a, 'red', 6), undefined);
  t.false(block && (await releaseRange(client, b, 'red', block)));
  t.true(block && (await releaseRange(client, a, 'red', block)));
  await claimEndpoint(client, b, { id: 3, network: 'red', ip4: '10.7.0.20/26' });
  for (const [node, id] of [
    [a, 1],
    [b, 1],
    [b, 2],
    [b, 3],
  ] as const) {
    await releaseEndpoint(client, node, id);
  }
  t.true(await releaseNetwork(client, 'red'));
  t.is((await listRanges(client, 'red')).size, 0);
});

maybe(
  'nodes that race for addresses never get the same one, even if answers are lost',
  async (t) => {
    const seed = Number(process.env.DPCTL_CLUSTER_SEED ?? Math.floor(Math.random() * 2 ** 31));
    t.log(`DPCTL_CLUSTER_SEED=${seed} repeats it`);
    const subnet = '10.5.0.0/26';
    await claimNetwork(client, network('race', { subnet4: subnet, subnet6: 'fd00:5::/64' }));
    const names = ['r1', 'r2', 'r3', 'r4'];
    for (const [index, name] of names.entries()) await join(t, name, 31 + index);
    /** Who considers an address its own: from the answer of the claim until the release begins. */
    const believed = new Map<string, string>();
    const counts = { claimed: 0, released: 0, refused: 0, unknown: 0 };

    const play = async (node: string, index: number): Promise<void> => {
      const proxy = index < 2 ? await startProxy(cluster.endpoints[index] as string) : undefined;
      if (proxy !== undefined) t.teardown(() => proxy.close());
      const timing = { call: 800, attempt: 400, pause: 20 };
      const own = proxy
        ? cluster.client({ endpoints: [proxy.endpoint], timing })
        : cluster.client();
      const random = randomOf(seed + index);
      const mine = new Map<number, readonly string[]>();
      const believe = (id: number, addresses: readonly string[]): void => {
        for (const each of addresses) {
          t.is(believed.get(each), undefined, `${each} is given to ${node}`);
          believed.set(each, node);
        }
        mine.set(id, addresses);
        counts.claimed++;
      };
      const release = async (id: number): Promise<void> => {
        for (const each of mine.get(id) ?? []) believed.delete(each);
        mine.delete(id);
        // Until the store has confirmed it, it is uncertain.
        while (
          !(await releaseEndpoint(own, node, id).then(
            () => true,
            () => false,
          ))
        );
        counts.released++;
      };
      for (let id = 1; id <= 60; id++) {
        if (proxy !== undefined && random() < 0.15) {
          const cut = Math.floor(3000 * random());
          proxy.cutAfter(cut, 2 * cut);
          setTimeout(proxy.heal, 150 * random());
        }
        const [oldest] = mine.keys();
        const dice = random();
        if (oldest !== undefined && (dice < 0.35 || mine.size > 12)) await release(oldest);
        if (dice > 0.95) await reserveRange(own, node, 'race', 4).catch(() => {});
        const ip4 = `10.5.0.${1 + Math.floor(62 * random())}/26`;
        const claim =
          dice < 0.7
            ? claimFreeEndpoint(own, node, { id, network: 'race' })
            : claimEndpoint(own, node, { id, network: 'race', ip4 });
        try {
          const record = await claim;
          believe(id, [record.ip4, record.ip6].filter((each) => each !== undefined).map(addressOf));
        } catch (error) {
          const { exitCode } = error as DpctlError;
          if (exitCode === 1) counts.refused++;
          else counts.unknown++;
          // The claim may have succeeded without an answer.
          if (exitCode !== 1) await release(id);
        }
      }
      proxy?.heal();
      // The store's content for this node is what the node considers its own.
      const there = await until('the lists agree', async () => {
        const records = await listEndpoints(own, node).catch(() => []);
        return records.length === mine.size;
      }).then(() => listEndpoints(own, node));
      t.deepEqual(there.map(({ id }) => id).sort(), [...mine.keys()].sort());
    };
    await Promise.all(names.map(play));

    const { entries } = await client.list(addressesOf('race'));
    const stored = entries.map((entry) => [
      addressTextOfKey(entry.key),
      decode(SCHEMAS.holder, entry).node,
    ]);
    t.deepEqual(Object.fromEntries(stored), Object.fromEntries(believed));
    const prefix = parsePrefix(subnet);
    for (const [key, owner] of await listRanges(client, 'race')) {
      const block = parsePrefix(`${addressTextOfKey(key)}/28`);
      t.true(contains(prefix, block));
      for (const [address, node] of believed) {
        const inside = !address.includes(':') && contains(block, parsePrefix(address));
        if (inside) t.is(node, owner, `${address} is in a range of ${owner}`);
      }
    }
    t.true(counts.claimed > 50 && counts.released > 25, JSON.stringify(counts));
    t.log(JSON.stringify(counts));
  },
);

maybe('records of a newer dpctl or another program are reported and left alone', async (t) => {
  await put(client, { [KEYS.network('new')]: '{"version":2,"other":true}' });
  await put(client, { [KEYS.network('bad')]: '{"version":1}', [KEYS.network('text')]: 'hello' });
  const expected = {
    new: 'CLUSTER_RECORD_NEWER',
    bad: 'CLUSTER_RECORD_INVALID',
    text: 'CLUSTER_RECORD_INVALID',
  };
  for (const [name, code] of Object.entries(expected)) {
    await refused(t, code, claimNetwork(client, network(name)));
    await refused(t, code, releaseNetwork(client, name));
    t.not((await client.get(KEYS.network(name))).entry, undefined);
  }
});

/** A deterministic random generator (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
