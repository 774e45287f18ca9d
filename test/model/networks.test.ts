import test from 'ava';
import { hintText } from '../../src/model/hint.js';
import {
  addNetwork,
  defaultNetwork,
  deleteNetwork,
  ensureDefaultNetwork,
} from '../../src/model/network/networks.js';
import { EMPTY_STATE, type State } from '../../src/model/state/state.js';
import { attach, refusal, withNetworks } from './helpers.js';

test('a network gets the lowest free index and VNI, and 300 s of ageing', (t) => {
  const state = withNetworks({ name: 'a' }, { name: 'b', vni: 2 }, { name: 'c' });
  t.deepEqual(
    state.networks.map(({ name, index, vni, ageing }) => [name, index, vni, ageing]),
    [
      ['a', 1, 1, 300],
      ['b', 2, 2, 300],
      ['c', 3, 3, 300],
    ],
  );
  const again = addNetwork(deleteNetwork(state, 'b'), { name: 'd' });
  t.is(again.network.index, 2);
  t.is(again.network.vni, 2);
});

test('repeated it is unchanged, and what is not said stays', (t) => {
  const request = { name: 'blue', vni: 7, subnets: ['10.1.0.0/16', 'fd00:1::/64'], ageing: 60 };
  const { state, network } = addNetwork(EMPTY_STATE, request);
  t.is(addNetwork(state, request).state, state);
  t.is(addNetwork(state, { name: 'blue' }).state, state);
  const changed = addNetwork(state, { name: 'blue', ageing: 0, bigTcp: true });
  t.true(changed.changed);
  t.deepEqual(changed.network, { ...network, ageing: 0, bigTcp: true });
});

test('a mask of groups is what a bridge takes, and 0 is none', (t) => {
  const { state, network } = addNetwork(EMPTY_STATE, { name: 'a', groupFwdMask: 0x4008 });
  t.is(network.groupFwdMask, 0x4008);
  t.is(addNetwork(state, { name: 'a', ageing: 9 }).network.groupFwdMask, 0x4008);
  t.false('groupFwdMask' in addNetwork(state, { name: 'a', groupFwdMask: 0 }).network);
  for (const mask of [1, 2, 4, 0x10000, -8, 8.5]) {
    const code = refusal(() => addNetwork(state, { name: 'a', groupFwdMask: mask })).code;
    t.is(code, 'GROUP_MASK_INVALID', `${mask}`);
  }
});

test('flooding and learning are on until they are switched off, and say nothing then', (t) => {
  const off = { floodUnknown: false, learnNodes: false } as const;
  const { state, network } = addNetwork(EMPTY_STATE, { name: 'a', ...off });
  t.like(network, off);
  t.is(addNetwork(state, { name: 'a', ...off }).state, state);
  t.like(addNetwork(state, { name: 'a', ageing: 9 }).network, off);
  const on = addNetwork(state, { name: 'a', floodUnknown: true, learnNodes: true });
  t.deepEqual(on.network, addNetwork(EMPTY_STATE, { name: 'a' }).network);
});

test('subnets of networks with gateways do not overlap', (t) => {
  const subnets = ['10.1.0.0/16', 'fd00:1::/64'];
  const state = withNetworks({ name: 'blue', subnets, gateway: true });
  const add =
    (subnet: string, gateway = true) =>
    () =>
      addNetwork(state, { name: 'red', subnets: [subnet], gateway });
  const error = refusal(add('10.1.4.0/24'));
  t.is(error.code, 'SUBNET_OVERLAP');
  t.regex(error.message, /^10\.1\.4\.0\/24 overlaps 10\.1\.0\.0\/16 of network blue/);
  t.regex(hintText(error.hint), /^dpctl network add red --subnet 10\.2\.0\.0\/24,/);
  t.is(add(String(error.details.free))().network.subnet4, '10.2.0.0/24');
  t.is(refusal(add('10.0.0.0/8')).code, 'SUBNET_OVERLAP');
  t.is(refusal(add('fd00::/16')).code, 'SUBNET_OVERLAP');
});

test('the same subnet under two VNIs is fine, until gateways would meet', (t) => {
  const subnets = ['10.1.0.0/16'];
  const state = withNetworks({ name: 'blue', subnets, gateway: true });
  const both = addNetwork(state, { name: 'red', subnets });
  t.is(both.network.subnet4, '10.1.0.0/16');
  t.is(
    refusal(() => addNetwork(both.state, { name: 'red', gateway: true })).code,
    'SUBNET_OVERLAP',
  );
  const apart = addNetwork(both.state, { name: 'blue', gateway: false });
  t.notThrows(() => addNetwork(apart.state, { name: 'red', gateway: true }));
});

test('a subnet that cannot be one is refused', (t) => {
  const refused = (...subnets: string[]): string =>
    refusal(() => addNetwork(EMPTY_STATE, { name: 'a', subnets })).code;
  for (const subnet of [
    '0.0.0.0/0',
    '127.1.0.0/16',
    '224.0.0.0/8',
    '::/0',
    'fe80::/64',
    'ff02::/16',
    '0.0.0.0/8',
  ]) {
    t.is(refused(subnet), 'SUBNET_INVALID', subnet);
  }
  t.is(refused('10.1.0.0/16', '10.2.0.0/16'), 'SUBNET_INVALID');
  t.is(refused('10.1.0.1/16'), 'PREFIX_HOST_BITS');
  t.is(refused('10.1.0.0/40'), 'PREFIX_INVALID');
  t.is(refused('blue'), 'ADDRESS_INVALID');
  t.is(
    hintText(refusal(() => addNetwork(EMPTY_STATE, { name: 'a', subnets: ['10.1.0.1/16'] })).hint),
    'dpctl network add a --subnet 10.1.0.0/16',
  );
});

test('a VNI belongs to one network', (t) => {
  const state = withNetworks({ name: 'blue', vni: 1 });
  const error = refusal(() => addNetwork(state, { name: 'red', vni: 1 }));
  t.is(error.code, 'VNI_IN_USE');
  t.is(hintText(error.hint), 'dpctl network add red --vni 2');
});

test('VNI and subnets of a network with endpoints stay, all else may change', (t) => {
  const { state } = attach(withNetworks({ name: 'default', subnets: ['10.1.0.0/16'] }), 1);
  for (const change of [{ vni: 9 }, { subnets: ['10.2.0.0/16'] }, { subnets: ['fd00::/64'] }]) {
    const error = refusal(() => addNetwork(state, { name: 'default', ...change }));
    t.is(error.code, 'NETWORK_IN_USE');
    t.deepEqual(error.details.endpoints, ['ns1']);
    t.is(hintText(error.hint), 'dpctl detach ns1');
  }
  const same = addNetwork(state, { name: 'default', vni: 1, subnets: ['10.1.0.0/16'] });
  t.is(same.state, state);
  t.true(addNetwork(state, { name: 'default', ageing: 5, gateway: true }).changed);
});

test('a gateway has the first address of each subnet, or the one asked for', (t) => {
  const subnets = ['10.1.0.0/16', 'fd00:1::/64'];
  const { network, state } = addNetwork(EMPTY_STATE, { name: 'a', subnets, gateway: true });
  t.deepEqual(network.gateway, { ip4: '10.1.0.1', ip6: 'fd00:1::1' });
  t.is(addNetwork(state, { name: 'a', gateway: true }).state, state);
  const moved = addNetwork(state, { name: 'a', gateway: ['10.1.0.254'] });
  t.deepEqual(moved.network.gateway, { ip4: '10.1.0.254', ip6: 'fd00:1::1' });
  t.is(addNetwork(moved.state, { name: 'a', gateway: true }).state, moved.state);
  t.is(addNetwork(moved.state, { name: 'a', gateway: false }).network.gateway, undefined);
});

test('a gateway of the first address follows its subnet', (t) => {
  const state = withNetworks({ name: 'a', subnets: ['10.1.0.0/16'], gateway: true });
  const { network } = addNetwork(state, { name: 'a', subnets: ['10.2.0.0/16'] });
  t.deepEqual(network.gateway, { ip4: '10.2.0.1' });
  const chosen = addNetwork(state, { name: 'a', gateway: ['10.1.0.9'] }).state;
  const error = refusal(() => addNetwork(chosen, { name: 'a', subnets: ['10.2.0.0/16'] }));
  t.is(error.code, 'ADDRESS_OUTSIDE_SUBNET');
});

test('a gateway that cannot be is refused with a remedy', (t) => {
  const plain = withNetworks({ name: 'a' });
  t.is(refusal(() => addNetwork(plain, { name: 'a', gateway: true })).code, 'GATEWAY_NEEDS_SUBNET');
  t.is(
    refusal(() => addNetwork(plain, { name: 'a', gateway: ['10.1.0.1'] })).code,
    'GATEWAY_NEEDS_SUBNET',
  );
  const masquerade = refusal(() => addNetwork(plain, { name: 'a', masquerade: true }));
  t.is(masquerade.code, 'MASQUERADE_NEEDS_GATEWAY');
  t.is(hintText(masquerade.hint), 'dpctl network add a --gateway --masquerade');
  const state = withNetworks({ name: 'a', subnets: ['10.1.0.0/24'] });
  for (const address of ['10.2.0.1', '10.1.0.0', '10.1.0.255']) {
    const error = refusal(() => addNetwork(state, { name: 'a', gateway: [address] }));
    t.is(error.code, 'ADDRESS_OUTSIDE_SUBNET', address);
    t.is(hintText(error.hint), 'dpctl network add a --gateway 10.1.0.1');
  }
  t.is(
    refusal(() => addNetwork(state, { name: 'a', gateway: ['10.1.0.1', '10.1.0.2'] })).code,
    'ADDRESS_INVALID',
  );
});

test("a gateway cannot have an endpoint's address", (t) => {
  const { state } = attach(withNetworks({ name: 'default', subnets: ['10.1.0.0/24'] }), 1, {
    ips: ['10.1.0.1'],
  });
  const error = refusal(() => addNetwork(state, { name: 'default', gateway: true }));
  t.is(error.code, 'ADDRESS_IN_USE');
  t.is(error.message, '10.1.0.1 belongs to endpoint ns1');
  t.is(hintText(error.hint), 'dpctl network add default --gateway 10.1.0.2');
});

test('the default network is made once, and what a person made of it stays', (t) => {
  const { state, network } = ensureDefaultNetwork(EMPTY_STATE);
  t.is(network.subnet4, '10.201.0.0/16');
  t.is(network.subnet6, 'fd00:c9::/64');
  t.is(ensureDefaultNetwork(state).state, state);
  const own = withNetworks({ name: 'default', subnets: ['10.9.0.0/16'] });
  t.is(ensureDefaultNetwork(own).state, own);
  const beside = withNetworks({ name: 'blue', subnets: ['10.201.7.0/24'], gateway: true });
  t.is(ensureDefaultNetwork(beside).network.subnet4, '10.201.0.0/16');
  t.is(defaultNetwork().name, 'default');
});

test('a network is deleted only without endpoints, and repeating it is no error', (t) => {
  const base = withNetworks({ name: 'default', subnets: ['10.1.0.0/16'] });
  let state: State = base;
  for (let n = 1; n <= 7; n++) state = attach(state, n).state;
  const error = refusal(() => deleteNetwork(state, 'default'));
  t.is(error.code, 'NETWORK_IN_USE');
  t.is(error.exitCode, 1);
  t.regex(error.message, /by ns1, ns2, ns3, ns4, ns5 and 2 more$/);
  t.is((error.details.endpoints as string[]).length, 7);
  t.deepEqual(deleteNetwork(base, 'default').networks, []);
  t.is(deleteNetwork(base, 'nosuch'), base);
});

test('a node has 4,095 networks and not one more', (t) => {
  const networks = Array.from({ length: 4095 }, (_, i) => ({
    name: `n${i}`,
    index: i + 1,
    vni: i + 1,
    ageing: 300,
    masquerade: false,
    bigTcp: false,
  }));
  t.is(
    refusal(() => addNetwork({ ...EMPTY_STATE, networks }, { name: 'more' })).code,
    'NETWORK_LIMIT',
  );
  t.is(
    addNetwork({ ...EMPTY_STATE, networks: networks.slice(1) }, { name: 'more' }).network.index,
    1,
  );
});
