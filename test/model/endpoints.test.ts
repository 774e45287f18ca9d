import test from 'ava';
import {
  markDetaching,
  removeEndpoint,
  renewNamespace,
  renumber,
  withPhase,
} from '../../src/model/endpoint/edits.js';
import { hintText } from '../../src/model/hint.js';
import { addStaticFdb, deleteStaticFdb } from '../../src/model/network/static-fdb.js';
import { findEndpoints } from '../../src/model/state/lookup.js';
import type { Endpoint, State } from '../../src/model/state/state.js';
import { namespace } from './arbitraries.js';
import { attach, refusal, withNetworks } from './helpers.js';

const base = withNetworks(
  { name: 'default', subnets: ['10.201.0.0/16', 'fd00:c9::/64'] },
  { name: 'blue', subnets: ['10.1.0.0/29'] },
  { name: 'plain' },
);

test('the first attach takes the lowest of everything, and leaves room for a gateway', (t) => {
  const { endpoint, changed } = attach(base, 1);
  t.true(changed);
  t.like(endpoint, {
    id: 1,
    ifname: 'eth0',
    hostIfname: 'dp000001',
    ifindex: 101,
    network: 'default',
    slot: 0,
    mac: '0a:58:0a:c9:00:02',
    ip4: '10.201.0.2/16',
    ip6: 'fd00:c9::2/64',
    mtu: 1500,
    isolated: false,
    lock: true,
    phase: 'attaching',
  });
  t.is(attach(attach(base, 1).state, 2).endpoint.hostIfname, 'dp000002');
});

test('numbers and addresses of a detached endpoint are reused', (t) => {
  let state: State = base;
  for (let n = 1; n <= 3; n++) state = attach(state, n).state;
  const again = attach(removeEndpoint(state, 2), 9).endpoint;
  t.like(again, { id: 2, slot: 1, ip4: '10.201.0.3/16', ip6: 'fd00:c9::3/64' });
});

test('repeated it is unchanged, whatever the number of the interface', (t) => {
  const request = {
    ips: ['10.201.0.9'],
    mac: '02:00:00:00:00:01',
    allowPrefixes: ['::/0', '10.9.0.0/16'],
  };
  const { state, endpoint } = attach(base, 1, request);
  for (const same of [
    request,
    {},
    { ifindex: 7 },
    { allowPrefixes: ['10.9.0.0/16', '::/0'] },
    { ips: ['10.201.0.9/16'] },
  ]) {
    const edit = attach(state, 1, same);
    t.false(edit.changed);
    t.is(edit.state, state);
    t.is(edit.endpoint, endpoint);
  }
});

test('only the requested differences change, in place', (t) => {
  const { state, endpoint } = attach(base, 1);
  const ready = withPhase(state, 1, 'ready');
  const changes: readonly [Parameters<typeof attach>[2], Partial<Endpoint>][] = [
    [{ ips: ['10.201.0.77'] }, { ip4: '10.201.0.77/16' }],
    [{ ips: ['fd00:c9::77'] }, { ip6: 'fd00:c9::77/64' }],
    [{ mac: '02:00:00:00:00:01' }, { mac: '02:00:00:00:00:01' }],
    [{ mtu: 9000 }, { mtu: 9000 }],
    [{ isolated: true }, { isolated: true }],
    [{ lock: false }, { lock: false }],
    [{ allowPrefixes: ['10.9.0.0/16'] }, { allowPrefixes: ['10.9.0.0/16'] }],
    [{ mtu: 'auto' }, { mtuFollows: true }],
  ];
  for (const [request, difference] of changes) {
    const edit = attach(ready, 1, request);
    t.true(edit.changed);
    t.deepEqual(edit.endpoint, { ...endpoint, ...difference });
  }
});

test('an endpoint does not change its network, but a namespace may have a second one', (t) => {
  const { state } = attach(base, 1);
  const error = refusal(() => attach(state, 1, { network: 'blue' }));
  t.is(error.code, 'ENDPOINT_EXISTS');
  t.regex(hintText(error.hint), /^dpctl detach ns1/);
  const second = attach(state, 1, { network: 'blue', ifname: 'eth1', ifindex: 200 });
  t.like(second.endpoint, { id: 2, slot: 0, ip4: '10.1.0.2/29' });
  t.is(attach(second.state, 1, { ifname: 'eth1' }).endpoint.network, 'blue');
});

test('an endpoint keeps the kind of its first request, a veth by default', (t) => {
  const plain = attach(base, 1);
  t.is(plain.endpoint.driver, undefined, 'as in files of before there was a choice');
  t.false(attach(plain.state, 1, { driver: 'veth' }).changed);
  t.false(attach(plain.state, 1, { defaultDriver: 'netkit' }).changed);

  const { state, endpoint } = attach(base, 1, { driver: 'netkit' });
  t.is(endpoint.driver, 'netkit');
  t.is(attach(base, 1, { defaultDriver: 'netkit' }).endpoint.driver, 'netkit');
  for (const same of [{}, { driver: 'netkit' }, { defaultDriver: 'veth' }] as const) {
    t.false(attach(state, 1, same).changed);
  }
  const error = refusal(() => attach(state, 1, { driver: 'veth' }));
  t.is(error.code, 'DRIVER_DIFFERS');
  t.is(error.exitCode, 1);
  t.is(hintText(error.hint), 'dpctl detach ns1, then dpctl attach ns1 --driver veth');
});

test('a veth that was there before can be nothing else', (t) => {
  const adopted = {
    mac: '02:00:00:00:00:05',
    mtu: 1500,
    up: true,
    hostMtu: 1500,
    hostUp: true,
    hostAlias: '',
    addresses: [],
  };
  const { endpoint } = attach(base, 1, { adopted, defaultDriver: 'netkit' });
  t.is(endpoint.driver, undefined);
  const error = refusal(() => attach(base, 1, { adopted, driver: 'netkit' }));
  t.is(error.code, 'DRIVER_DIFFERS');
  t.regex(hintText(error.hint), /--driver netkit --ifname NAME/);
});

test('a taken address names its holder and the next free one', (t) => {
  const { state } = attach(base, 1);
  const error = refusal(() => attach(state, 3, { ips: ['10.201.0.2'] }));
  t.is(error.code, 'ADDRESS_IN_USE');
  t.is(error.exitCode, 1);
  t.is(error.message, '10.201.0.2 belongs to endpoint ns1');
  t.is(hintText(error.hint), 'dpctl attach ns3 --ip 10.201.0.3');
  t.is(
    hintText(refusal(() => attach(state, 3, { ips: ['fd00:c9::2'] })).hint),
    'dpctl attach ns3 --ip fd00:c9::3',
  );
  const mac = refusal(() => attach(state, 3, { mac: '0A-58-0A-C9-00-02' }));
  t.is(mac.code, 'MAC_IN_USE');
  t.is(mac.message, '0a:58:0a:c9:00:02 belongs to endpoint ns1 on network default');
  const free = String(mac.details.free);
  t.is(attach(state, 3, { mac: free }).endpoint.mac, free);
});

test('networks do not share MACs, and so the same one is free on another', (t) => {
  const { state } = attach(base, 1, { mac: '02:00:00:00:00:01' });
  t.is(
    attach(state, 2, { mac: '02:00:00:00:00:01', network: 'blue' }).endpoint.mac,
    '02:00:00:00:00:01',
  );
});

test('addresses that no host of the network can have', (t) => {
  const gated = withNetworks({
    name: 'default',
    subnets: ['10.1.0.0/24', 'fd00:1::/64'],
    gateway: true,
  });
  const cases = {
    '10.1.0.0': 'ADDRESS_INVALID',
    '10.1.0.255': 'ADDRESS_INVALID',
    'fd00:1::': 'ADDRESS_INVALID',
    'fe80::1': 'ADDRESS_INVALID',
    'ff02::1': 'ADDRESS_INVALID',
    '127.0.0.1': 'ADDRESS_INVALID',
    '10.1.0.1': 'ADDRESS_IN_USE',
    'fd00:1::1': 'ADDRESS_IN_USE',
    '10.2.0.1': 'ADDRESS_OUTSIDE_SUBNET',
    '10.1.0.9/16': 'ADDRESS_OUTSIDE_SUBNET',
    '10.1.0.9/33': 'PREFIX_INVALID',
    '10.1.0': 'ADDRESS_INVALID',
  };
  for (const [address, code] of Object.entries(cases)) {
    const error = refusal(() => attach(gated, 1, { ips: [address] }));
    t.is(error.code, code, address);
    t.is(error.exitCode, 1);
    t.truthy(error.hint);
  }
  t.is(refusal(() => attach(gated, 1, { ips: ['10.1.0.5', '10.1.0.6'] })).code, 'ADDRESS_INVALID');
});

test('a network without a subnet has endpoints without addresses, or with ones of their own', (t) => {
  const bare = attach(base, 1, { network: 'plain' }).endpoint;
  t.is(bare.ip4, undefined);
  t.is(bare.ip6, undefined);
  t.false('ip4' in bare);
  t.regex(bare.mac, /^0a:58:/);
  const own = attach(base, 1, { network: 'plain', ips: ['192.0.2.5/24'] });
  t.is(own.endpoint.ip4, '192.0.2.5/24');
  const error = refusal(() => attach(base, 1, { network: 'plain', ips: ['192.0.2.5'] }));
  t.is(error.code, 'ADDRESS_NEEDS_LENGTH');
  t.is(hintText(error.hint), 'dpctl attach ns1 --network plain --ip 192.0.2.5/24');
  const taken = refusal(() => attach(own.state, 2, { network: 'plain', ips: ['192.0.2.5/24'] }));
  t.is(hintText(taken.hint), 'dpctl attach ns2 --network plain --ip 192.0.2.2/24');
});

test('generated MACs without an address differ between nodes that say who they are', (t) => {
  const mac = (macSeed: string): string =>
    attach(base, 1, { network: 'plain', macSeed }).endpoint.mac;
  t.not(mac('node1'), mac('node2'));
  t.is(mac('node1'), mac('node1'));
});

test('a subnet is used to its last address, and then it is full', (t) => {
  let state: State = base;
  const given: (string | undefined)[] = [];
  for (let n = 1; n <= 6; n++) {
    const edit = attach(state, n, { network: 'blue' });
    given.push(edit.endpoint.ip4);
    state = edit.state;
  }
  t.deepEqual(
    given,
    ['2', '3', '4', '5', '6', '1'].map((host) => `10.1.0.${host}/29`),
  );
  const error = refusal(() => attach(state, 7, { network: 'blue' }));
  t.is(error.code, 'SUBNET_FULL');
  t.is(error.message, 'no address is free in 10.1.0.0/29: all 6 are taken');
});

test('with IPv6 an MTU is 1280 at least', (t) => {
  t.is(refusal(() => attach(base, 1, { mtu: 1279 })).code, 'MTU_OUT_OF_RANGE');
  t.is(attach(base, 1, { mtu: 68, network: 'blue' }).endpoint.mtu, 68);
});

test('unknown networks, bad names and bad prefixes', (t) => {
  const missing = refusal(() => attach(base, 1, { network: 'gren' }));
  t.is(missing.code, 'NETWORK_NOT_FOUND');
  t.is(missing.exitCode, 3);
  t.regex(missing.message, /there is default, blue, plain$/);
  t.is(refusal(() => attach(base, 1, { ifname: 'a/b' })).code, 'IFNAME_INVALID');
  const prefix = refusal(() => attach(base, 1, { allowPrefixes: ['10.9.0.1/16'] }));
  t.is(hintText(prefix.hint), 'dpctl attach ns1 --allow-prefix 10.9.0.0/16');
});

test('an interface belongs to one endpoint', (t) => {
  const { state } = attach(base, 1);
  const error = refusal(() => attach(state, 2, { ifindex: 101 }));
  t.is(error.code, 'INTERFACE_IN_USE');
  t.regex(error.message, /belongs to endpoint ns1$/);
  t.is(refusal(() => attach(state, 2, { hostIfname: 'dp000001' })).code, 'INTERFACE_IN_USE');
});

test('namespaces that are still to be made are told apart by their path', (t) => {
  const pending = (n: number) => ({ ...namespace(n), cookie: '', created: true });
  const first = attach(base, 1, { namespace: pending(1) });
  const second = attach(first.state, 2, { namespace: pending(2) });
  t.is(second.endpoint.id, 2);
  t.false(attach(second.state, 1, { namespace: pending(1) }).changed);
  const known = attach(second.state, 1, { namespace: namespace(1) });
  t.like(known.endpoint.namespace, { cookie: '1', created: true });
  t.is(known.endpoint.id, 1);
});

test('a namespace is the same one by whatever path it is reached', (t) => {
  const { state } = attach(base, 1);
  const byPid = { ...namespace(1), ref: '4711', kind: 'pid' as const, path: '/proc/4711/ns/net' };
  t.is(attach(state, 1, { namespace: byPid }).state, state);
  const another = { ...namespace(1), cookie: '77' };
  t.is(attach(state, 2, { namespace: another }).endpoint.id, 2);
});

test('a detaching endpoint keeps its resources until it is gone or attached again', (t) => {
  const { state } = attach(base, 1);
  const leaving = markDetaching(state, 1);
  t.is(markDetaching(leaving, 1), leaving);
  t.is(refusal(() => attach(leaving, 2, { ips: ['10.201.0.2'] })).code, 'ADDRESS_IN_USE');
  t.like(attach(leaving, 1), { changed: true, endpoint: { id: 1, phase: 'attaching' } });
  t.deepEqual(removeEndpoint(leaving, 1).endpoints, []);
  t.is(removeEndpoint(state, 9), state);
  t.is(renumber(state, 1, 900).endpoints[0]?.ifindex, 900);
  t.is(renumber(state, 1, 101), state);
  t.is(refusal(() => renumber(state, 9, 1)).exitCode, 3);
});

test('endpoints are found by name or identity of the namespace and by interface', (t) => {
  const one = attach(base, 1).state;
  const state = attach(one, 1, { ifname: 'eth1', ifindex: 200 }).state;
  const ids = (filter: Parameters<typeof findEndpoints>[1]): number[] =>
    findEndpoints(state, filter).map(({ id }) => id);
  t.deepEqual(ids({ ref: 'ns1' }), [1, 2]);
  t.deepEqual(ids({ cookie: '1', ifname: 'eth1' }), [2]);
  t.deepEqual(ids({ ref: 'other', cookie: '1' }), [1, 2]);
  t.deepEqual(ids({ ref: 'ns2' }), []);
  t.deepEqual(ids({ cookie: '' }), []);
  t.deepEqual(ids({}), [1, 2]);
});

test('a static MAC is put, moved and deleted', (t) => {
  const state = attach(attach(base, 1).state, 2).state;
  const mac = '02:00:00:00:00:99';
  const put = addStaticFdb(state, {
    network: 'default',
    mac: mac.replaceAll(':', '-'),
    endpoint: 1,
  });
  t.deepEqual(put.entry, { network: 'default', mac, endpoint: 1 });
  t.is(addStaticFdb(put.state, put.entry).state, put.state);
  const moved = addStaticFdb(put.state, { ...put.entry, endpoint: 2 });
  t.deepEqual(moved.state.staticFdb, [{ network: 'default', mac, endpoint: 2 }]);
  t.deepEqual(removeEndpoint(moved.state, 2).staticFdb, []);
  t.deepEqual(deleteStaticFdb(moved.state, { network: 'default', mac }).staticFdb, []);
  t.is(deleteStaticFdb(state, { network: 'default', mac }), state);
  t.is(refusal(() => attach(moved.state, 3, { mac })).code, 'MAC_IN_USE');
});

test('a static MAC that cannot be is refused', (t) => {
  const { state, endpoint } = attach(base, 1);
  const add = (mac: string, network = 'default', id = 1) =>
    refusal(() => addStaticFdb(state, { network, mac, endpoint: id }));
  t.is(add(endpoint.mac).code, 'MAC_IN_USE');
  t.is(add('01:00:5e:00:00:01').code, 'MAC_MULTICAST');
  t.is(add('00:00:00:00:00:00').code, 'MAC_ZERO');
  t.is(add('02:00:00:00:00:99', 'blue').code, 'NETWORK_MISMATCH');
  t.is(add('02:00:00:00:00:99', 'nosuch').exitCode, 3);
  t.is(add('02:00:00:00:00:99', 'default', 5).exitCode, 3);
});

test("a namespace's new path is recorded for all its endpoints, and no others", (t) => {
  const two = attach(attach(base, 1).state, 1, { network: 'blue', ifindex: 201, ifname: 'eth1' });
  const state = attach(two.state, 2).state;
  const moved = { ...namespace(1), path: '/proc/9/ns/net' };
  const renewed = renewNamespace(state, moved);
  t.deepEqual(renewed.ids, [1, 2]);
  t.deepEqual(
    renewed.state.endpoints.map((each) => each.namespace.path),
    [moved.path, moved.path, namespace(2).path],
  );
  t.deepEqual(renewNamespace(renewed.state, moved).ids, [], 'nothing is left to say');
  t.deepEqual(renewNamespace(state, { ...moved, cookie: '' }).ids, [], 'one that nobody knows');
});
