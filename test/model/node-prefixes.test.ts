/** Prefixes that nodes own, as edits of desired state and as entries. */
import test from 'ava';
import { NetworkFlags } from '../../src/contract/generated.js';
import { networkEntry } from '../../src/model/desired/desired.js';
import { entryText } from '../../src/model/desired/entry-text.js';
import { decodeValue } from '../../src/model/desired/table-entry.js';
import { addNetwork, deleteNetwork } from '../../src/model/network/networks.js';
import { addRemoteFdb } from '../../src/model/overlay/remote-fdb.js';
import { addRemote, deleteRemote } from '../../src/model/overlay/remotes.js';
import { scopedEntries } from '../../src/model/plan/plan.js';
import { invariants } from '../../src/model/state/invariants.js';
import type { State } from '../../src/model/state/state.js';
import { attach, refusal, withNetworks } from './helpers.js';

const base = withNetworks(
  { name: 'default', subnets: ['10.201.0.0/16', 'fd00:c9::/64'] },
  { name: 'bare' },
);
const VTEP = '192.0.2.2';
const withNode = (...prefixes: string[]): State =>
  addRemote(base, { name: 'n2', vtep: VTEP, prefixes }).state;

/** Entries of prefixes, in words, and whether the datapath looks for them. */
function entries(state: State): { prefixes: string[]; looked: boolean } {
  const [network] = state.networks;
  if (network === undefined) throw new Error('no network');
  const { flags } = decodeValue('network', networkEntry(state, network).value);
  return {
    prefixes: scopedEntries(state, 'node')
      .filter(({ table }) => table === 'nodeprefix')
      .map(entryText),
    looked: (flags & NetworkFlags.PREFIXES) !== 0,
  };
}

test('a node gets prefixes, keeps what is not asked for, and loses them', (t) => {
  const state = withNode('10.201.4.0/24', 'FD00:C9:0:0:4::/80', '10.201.4.0/24');
  t.deepEqual(state.nodes[0]?.prefixes, [
    { network: 'default', prefix: '10.201.4.0/24' },
    { network: 'default', prefix: 'fd00:c9:0:0:4::/80' },
  ]);
  t.deepEqual(invariants(state), []);
  t.deepEqual(entries(state), {
    prefixes: ['10.201.4.0/24 vni 1 node 1', 'fd00:c9:0:0:4::/80 vni 1 node 1'],
    looked: true,
  });
  t.deepEqual(entries(base), { prefixes: [], looked: false });
  const repeated = { name: 'n2', prefixes: ['fd00:c9:0:0:4::/80', '10.201.4.0/24'] };
  t.is(addRemote(state, repeated).state, state, 'repeated, without the address');
  const moved = addRemote(state, { name: 'n2', vtep: '192.0.2.9' });
  t.deepEqual(moved.node.prefixes, state.nodes[0]?.prefixes);
  const other = addRemote(state, { name: 'n2', prefixes: ['10.201.5.0/24'] });
  t.deepEqual(other.node.prefixes, [{ network: 'default', prefix: '10.201.5.0/24' }]);
  const none = addRemote(state, { name: 'n2', prefixes: false });
  t.false('prefixes' in none.node);
  t.deepEqual(entries(none.state), entries(base));
  t.deepEqual(entries(deleteRemote(state, 'n2')), entries(base));
  const gone = deleteNetwork(state, 'default');
  t.deepEqual(gone.nodes, none.state.nodes);
  t.deepEqual(invariants(gone), []);
});

test('a prefix has one owner and is inside the subnet; a longer one may be in it', (t) => {
  const state = withNode('10.201.4.0/24');
  const add = (prefix: string, more = {}) =>
    refusal(() => addRemote(state, { name: 'n3', vtep: '192.0.2.3', prefixes: [prefix], ...more }));
  t.is(add('10.201.4.0/24').code, 'PREFIX_IN_USE');
  t.is(add('10.202.0.0/24').code, 'PREFIX_OUTSIDE_SUBNET');
  t.is(add('10.0.0.0/8').code, 'PREFIX_OUTSIDE_SUBNET');
  t.is(add('10.201.4.1/24').code, 'PREFIX_HOST_BITS');
  t.is(add('10.201.4.0/24', { network: 'bare' }).code, 'PREFIX_OUTSIDE_SUBNET');
  t.is(add('10.201.4.0/24', { network: 'none' }).code, 'NETWORK_NOT_FOUND');
  t.is(
    refusal(() => addRemote(base, { name: 'new', prefixes: ['10.201.4.0/24'] })).code,
    'NODE_NOT_FOUND',
  );
  const own = { name: 'default', ownPrefixes: ['10.201.4.0/24'] };
  t.is(refusal(() => addNetwork(state, own)).code, 'PREFIX_IN_USE');
  const subnets = ['10.9.0.0/16'];
  const moved = refusal(() => addNetwork(state, { name: 'default', subnets }));
  t.is(moved.code, 'PREFIX_OUTSIDE_SUBNET');
  const longer = addRemote(state, {
    name: 'n3',
    vtep: '192.0.2.3',
    prefixes: ['10.201.4.128/25', '10.201.0.0/16'],
  });
  t.deepEqual(invariants(longer.state), []);
  const broken = (prefix: string, network = 'default') =>
    invariants({
      ...state,
      nodes: [{ name: 'n2', number: 1, vtep: VTEP, prefixes: [{ network, prefix }] }],
    }).map(({ subject }) => subject);
  t.deepEqual(broken('10.201.4.0/24', 'none'), ['nodes[0].prefixes[0]']);
  t.deepEqual(broken('10.9.4.0/24'), ['nodes[0].prefixes[0]']);
  t.deepEqual(broken('10.201.4.1/24'), ['nodes[0].prefixes[0]']);
});

const owning = addNetwork(base, {
  name: 'default',
  ownPrefixes: ['10.201.7.0/24', 'fd00:c9:0:0:7::/80'],
}).state;

test('an endpoint gets addresses of the own prefix, and the MAC that others derive', (t) => {
  t.deepEqual(entries(owning), {
    prefixes: ['10.201.7.0/24 vni 1 own', 'fd00:c9:0:0:7::/80 vni 1 own'],
    looked: true,
  });
  const first = attach(owning, 1);
  t.like(first.endpoint, {
    ip4: '10.201.7.1/16',
    ip6: 'fd00:c9::7:0:ac9:701/64',
    mac: '0a:58:0a:c9:07:01',
  });
  const moved = attach(first.state, 1, { ips: ['10.201.7.9'] });
  t.like(moved.endpoint, {
    ip4: '10.201.7.9/16',
    ip6: 'fd00:c9::7:0:ac9:709/64',
    mac: '0a:58:0a:c9:07:09',
  });
  t.is(attach(moved.state, 1, { ips: ['10.201.7.9'] }).state, moved.state, 'repeated');
  const away = attach(moved.state, 1, { ips: ['10.201.8.9'] });
  t.like(away.endpoint, { ip4: '10.201.8.9/16', mac: '0a:58:0a:c9:07:09' });
  t.not(away.endpoint.ip6, moved.endpoint.ip6, 'it would still stand for 10.201.7.9');
  t.deepEqual(invariants(away.state), []);
  const chosen = attach(owning, 1, { ips: ['fd00:c9::7:0:0:77'] });
  t.is(chosen.endpoint.ip6, 'fd00:c9::7:0:0:77/64', 'stands for nobody');
  const range = addNetwork(owning, { name: 'default', ranges: ['10.201.7.128/25'] }).state;
  t.is(attach(range, 1).endpoint.ip4, '10.201.7.129/16');
});

test('what others would derive wrongly is refused', (t) => {
  const code = (edit: () => unknown) => refusal(edit).code;
  t.is(
    code(() => attach(owning, 1, { mac: '02:00:00:00:00:01' })),
    'MAC_NOT_DERIVED',
  );
  const away = { mac: '02:00:00:00:00:01', ips: ['10.201.8.1'] };
  t.is(attach(owning, 1, away).endpoint.mac, away.mac, 'outside the prefix any MAC will do');
  const wrong = { ips: ['10.201.7.1', 'fd00:c9::7:0:ac9:702'] };
  t.is(
    code(() => attach(owning, 1, wrong)),
    'ADDRESS_NOT_DERIVED',
  );
  const node = addRemote(owning, { name: 'n2', vtep: VTEP }).state;
  const mac = '0a:58:0a:c9:07:01';
  const taken = addRemoteFdb(node, { network: 'default', mac, node: 'n2' }).state;
  t.is(
    code(() => attach(taken, 1)),
    'MAC_NOT_DERIVED',
    'a static entry has it',
  );
  const before = attach(base, 1, { mac: '02:00:00:00:00:01', ips: ['10.201.7.1'] }).state;
  const own = { name: 'default', ownPrefixes: ['10.201.7.0/24'] };
  t.is(
    code(() => addNetwork(before, own)),
    'MAC_NOT_DERIVED',
    'an endpoint that is there',
  );
  const two = ['10.201.7.0/24', '10.201.8.0/24'];
  t.is(
    code(() => addNetwork(base, { name: 'default', ownPrefixes: two })),
    'OWN_PREFIX_INVALID',
  );
  const outside = { name: 'default', ownPrefixes: ['10.9.0.0/24'] };
  t.is(
    code(() => addNetwork(base, outside)),
    'PREFIX_OUTSIDE_SUBNET',
  );
  const none = addNetwork(owning, { name: 'default', ownPrefixes: false }).state;
  t.deepEqual(entries(none), entries(base));
});
