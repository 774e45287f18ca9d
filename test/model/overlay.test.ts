/** Nodes, the underlay, ranges and MACs behind nodes, as edits of desired state. */
import test from 'ava';
import { NODE_MAX, REPLICA_MAX } from '../../src/contract/generated.js';
import { withGateways } from '../../src/model/network/gateways.js';
import { addNetwork, deleteNetwork } from '../../src/model/network/networks.js';
import { addStaticFdb } from '../../src/model/network/static-fdb.js';
import { followMtu, overlayMtu, oversized } from '../../src/model/overlay/mtu.js';
import { addRemoteFdb, deleteRemoteFdb } from '../../src/model/overlay/remote-fdb.js';
import { addRemote, deleteRemote } from '../../src/model/overlay/remotes.js';
import { setUnderlay, unsetUnderlay } from '../../src/model/overlay/underlay.js';
import { invariants } from '../../src/model/state/invariants.js';
import { EMPTY_STATE, type ResolvedUnderlay, type State } from '../../src/model/state/state.js';
import { attach, refusal, withNetworks } from './helpers.js';

const RESOLVED: ResolvedUnderlay = {
  ifindex: 2,
  mtu: 1500,
  vtep: '192.0.2.1',
  decap: 'tc',
  why: 'as requested',
  refused: [],
  replicator: 16_384,
};

function withResolved(state: State, resolvedUnderlay: Partial<ResolvedUnderlay> = {}): State {
  const { state: asked } = setUnderlay(state, { device: 'eth1' });
  return { ...asked, resolvedUnderlay: { ...RESOLVED, ...resolvedUnderlay } };
}

function withNodes(state: State, ...vteps: string[]): State {
  return vteps.reduce((next, vtep, i) => addRemote(next, { name: `n${i + 1}`, vtep }).state, state);
}

test('nodes get the lowest free number, keep it with another address, and go', (t) => {
  const state = withNodes(EMPTY_STATE, '192.0.2.7', '192.0.2.8', '192.0.2.9');
  const less = deleteRemote(state, 'n2');
  t.deepEqual(
    less.nodes.map(({ number }) => number),
    [1, 3],
  );
  const more = addRemote(less, { name: 'new', vtep: '192.0.2.8' });
  t.is(more.node.number, 2);
  t.deepEqual(
    more.state.nodes.map(({ name }) => name),
    ['n1', 'new', 'n3'],
  );
  const moved = addRemote(more.state, { name: 'n3', vtep: '192.0.2.33' });
  t.deepEqual(moved.node, { name: 'n3', number: 3, vtep: '192.0.2.33' });
  t.is(addRemote(moved.state, { name: 'n3', vtep: '192.0.2.33' }).state, moved.state, 'repeated');
  t.is(deleteRemote(state, 'nobody'), state);
  t.is(addRemote(EMPTY_STATE, { name: 'a', vtep: '2001:DB8:0::1' }).node.vtep, '2001:db8::1');
  t.deepEqual(invariants(moved.state), []);
});

test('there are as many nodes as have numbers, and as many copies as have room', (t) => {
  let state = EMPTY_STATE;
  const nodes = Array.from({ length: NODE_MAX - 1 }, (_, i) => ({
    name: `n${i + 1}`,
    number: i + 1,
    vtep: `10.${(i + 1) >> 16}.${((i + 1) >> 8) & 255}.${(i + 1) & 255}`,
  }));
  state = { ...state, nodes };
  const error = refusal(() => addRemote(state, { name: 'more', vtep: '192.0.2.1' }));
  t.is(error.code, 'NODE_LIMIT');
  const full = Math.floor(REPLICA_MAX / nodes.length);
  for (let i = 0; i < full; i++) state = addNetwork(state, { name: `net${i}` }).state;
  t.is(refusal(() => addNetwork(state, { name: 'more' })).code, 'REPLICATION_LIMIT');
});

test('the underlay keeps what is not said, but an address goes with its device', (t) => {
  const first = setUnderlay(EMPTY_STATE, { device: 'eth1', vtep: '192.0.2.1', port: 8472 });
  t.deepEqual(first.underlay, { device: 'eth1', port: 8472, decap: 'auto', vtep: '192.0.2.1' });
  t.is(setUnderlay(first.state, { device: 'eth1' }).state, first.state);
  const xdp = setUnderlay(first.state, { device: 'eth1', decap: 'xdp' });
  t.deepEqual(xdp.underlay, { ...first.underlay, decap: 'xdp' });
  const { underlay } = setUnderlay(first.state, { device: 'eth2' });
  t.deepEqual(underlay, { device: 'eth2', port: 8472, decap: 'auto' });
  const auto = setUnderlay(first.state, { device: 'eth1', vtep: 'auto' });
  t.false('vtep' in auto.underlay);
  const nodes = withNodes(withResolved(EMPTY_STATE), '192.0.2.7');
  const without = unsetUnderlay(nodes);
  t.deepEqual(
    [without.underlay, without.resolvedUnderlay, without.nodes.length],
    [undefined, undefined, 1],
  );
  t.is(unsetUnderlay(without), without);
  t.is(
    refusal(() => setUnderlay(EMPTY_STATE, { device: 'e', port: 65_536 })).code,
    'PORT_OUT_OF_RANGE',
  );
});

test('nodes have addresses of one family, each its own, and none is this node', (t) => {
  const state = withNodes(withResolved(EMPTY_STATE), '192.0.2.7');
  const add = (name: string, vtep: string) => refusal(() => addRemote(state, { name, vtep })).code;
  t.is(add('b', '192.0.2.7'), 'VTEP_IN_USE');
  t.is(add('b', '192.0.2.1'), 'VTEP_IS_NODE');
  t.is(add('n1', '2001:db8::1'), 'VTEP_FAMILY', 'the underlay is IPv4');
  const free = withNodes(EMPTY_STATE, '192.0.2.7');
  t.is(addRemote(free, { name: 'n1', vtep: '2001:db8::1' }).node.vtep, '2001:db8::1');
  t.is(refusal(() => addRemote(free, { name: 'b', vtep: '2001:db8::1' })).code, 'VTEP_FAMILY');
});

test('automatic MTUs follow the underlay, and stay while it cannot be used', (t) => {
  const blue = withNetworks({ name: 'default', subnets: ['10.1.0.0/16'] });
  const dual = addNetwork(blue, { name: 'dual', subnets: ['fd00:1::/64'] }).state;
  let state = attach(dual, 1, { mtuFollows: true }).state;
  state = attach(state, 2, { mtuFollows: true, mtu: 1500 }).state;
  state = attach(state, 3, { mtuFollows: true, network: 'dual' }).state;
  const mtus = (each: State) => each.endpoints.map(({ mtu }) => mtu);
  const ip4 = withResolved(state);
  t.deepEqual(mtus(followMtu(ip4)), [1450, 1500, 1450]);
  t.is(overlayMtu({ ...RESOLVED, vtep: '2001:db8::1' }), 1430);
  const small = followMtu(withResolved(state, { mtu: 1300 }));
  t.deepEqual(mtus(small), [1250, 1500, 1280], 'IPv6 keeps its least');
  t.deepEqual(
    oversized(small).map(({ id }) => id),
    [2, 3],
  );
  const { resolvedUnderlay: _resolved, ...waiting } = small;
  t.is(followMtu(waiting), waiting, 'as it is until the underlay is back');
  t.deepEqual(mtus(followMtu(unsetUnderlay(small))), [1500, 1500, 1500]);
  const again = attach(followMtu(ip4), 1, { mtuFollows: true });
  t.false(again.changed, 'attached again');
  const wish = attach(followMtu(ip4), 1, { mtu: 1400 });
  t.deepEqual([wish.endpoint.mtu, wish.endpoint.mtuFollows], [1400, undefined]);
});

test("a gateway has the underlay's MTU, or that of its largest endpoint", (t) => {
  const own = { ref: 'host', kind: 'node', path: '/n', cookie: 'node', created: false } as const;
  const network = { name: 'default', subnets: ['10.1.0.0/16'], gateway: true };
  const port = (state: State) => withGateways(state, own, () => 999).endpoints.at(-1)?.mtu;
  const state = withResolved(withNetworks(network));
  t.is(port(state), 1450);
  t.is(port(followMtu(attach(state, 1, { mtuFollows: true }).state)), 1450);
  t.is(port(attach(state, 1, { mtu: 9000 }).state), 9000);
});

test('addresses come from the range of this node, and others may still be asked for', (t) => {
  const subnets = ['10.1.0.0/16', 'fd00:1::/64'];
  const state = withNetworks({
    name: 'default',
    subnets,
    ranges: ['10.1.7.0/30', 'fd00:1::7:0/112'],
  });
  const one = attach(state, 1);
  t.deepEqual([one.endpoint.ip4, one.endpoint.ip6], ['10.1.7.1/16', 'fd00:1::7:1/64']);
  const two = attach(one.state, 2);
  t.is(two.endpoint.ip4, '10.1.7.2/16');
  const full = refusal(() => attach(two.state, 3));
  t.deepEqual([full.code, full.details.subnet], ['SUBNET_FULL', '10.1.7.0/30']);
  t.is(attach(two.state, 3, { ips: ['10.1.9.9'] }).endpoint.ip4, '10.1.9.9/16');

  const kept = addNetwork(state, { name: 'default', ageing: 9 }).network;
  t.deepEqual([kept.range4, kept.range6], ['10.1.7.0/30', 'fd00:1::7:0/112']);
  const whole = addNetwork(state, { name: 'default', ranges: ['10.1.0.0/16'] }).network;
  t.deepEqual([whole.range4, whole.range6], [undefined, 'fd00:1::7:0/112']);
  const moved = addNetwork(state, { name: 'default', subnets: ['10.2.0.0/16'] }).network;
  t.is(moved.range4, undefined, 'a range goes with its subnet');
  for (const range of ['10.2.0.0/24', '10.0.0.0/8', '10.1.7.1/24', 'fd00:2::/112']) {
    const error = refusal(() => addNetwork(state, { name: 'default', ranges: [range] }));
    t.regex(error.code, /^RANGE_INVALID$|^PREFIX_HOST_BITS$/, range);
  }
});

test('a MAC is in one place: behind an endpoint or behind a node', (t) => {
  const base = withNodes(withNetworks({ name: 'default', subnets: ['10.1.0.0/16'] }), '192.0.2.7');
  const { state, endpoint } = attach(base, 1);
  const mac = '02:00:00:00:00:09';
  const told = addRemoteFdb(state, { network: 'default', mac, node: 'n1', ips: ['10.1.0.9'] });
  t.deepEqual(told.entry, { network: 'default', mac, node: 1, ips: ['10.1.0.9'] });
  const again = addRemoteFdb(told.state, { network: 'default', mac, node: 'n1' });
  t.is(again.state, told.state, 'addresses that are not said stay');
  const here = addStaticFdb(told.state, { network: 'default', mac, endpoint: endpoint.id });
  t.deepEqual([here.state.remoteFdb.length, here.state.staticFdb.length], [0, 1]);
  const there = addRemoteFdb(here.state, { network: 'default', mac, node: 'n1' });
  t.deepEqual([there.state.remoteFdb.length, there.state.staticFdb.length], [1, 0]);

  const next = attach(told.state, 2, { mac: undefined });
  t.is(next.endpoint.ip4, '10.1.0.3/16');
  const taken = refusal(() => attach(told.state, 2, { ips: ['10.1.0.9'] }));
  t.deepEqual([taken.code, taken.details.holder], ['ADDRESS_IN_USE', 'remote']);
  t.is(refusal(() => attach(told.state, 2, { mac })).code, 'MAC_IN_USE');
  const own = { network: 'default', mac: endpoint.mac, node: 'n1' };
  t.is(refusal(() => addRemoteFdb(told.state, own)).code, 'MAC_IN_USE');
  const other = { network: 'default', mac: '02:00:00:00:00:08', node: 'n1', ips: ['10.1.0.9'] };
  t.is(refusal(() => addRemoteFdb(told.state, other)).code, 'ADDRESS_IN_USE');

  t.deepEqual(deleteRemote(told.state, 'n1').remoteFdb, []);
  t.deepEqual(
    deleteRemoteFdb(told.state, { network: 'default', mac: mac.toUpperCase() }).remoteFdb,
    [],
  );
  const bare = addRemoteFdb(base, { network: 'default', mac, node: 'n1' }).state;
  t.deepEqual(deleteNetwork(bare, 'default').remoteFdb, []);
  t.deepEqual(invariants(told.state), []);
});

test('invariants find nodes and MACs that are there twice or hang in the air', (t) => {
  const state = withNodes(withNetworks({ name: 'default' }), '192.0.2.7', '192.0.2.8');
  const [one, two] = state.nodes;
  if (one === undefined || two === undefined) throw new Error('no nodes');
  const faults = (broken: Partial<State>) =>
    invariants({ ...state, ...broken }).map(({ subject }) => subject);
  t.deepEqual(faults({ nodes: [one, { ...two, vtep: one.vtep }] }), ['nodes[1].vtep']);
  t.deepEqual(faults({ nodes: [one, { ...two, number: 1 }] }), ['nodes[1].number']);
  t.deepEqual(faults({ resolvedUnderlay: { ...RESOLVED, vtep: one.vtep } }), ['nodes[0].vtep']);
  const mac = '02:00:00:00:00:09';
  const entry = { network: 'default', mac, node: 1, ips: [] };
  t.deepEqual(faults({ remoteFdb: [{ ...entry, node: 9 }] }), ['remoteFdb[0].node']);
  t.deepEqual(faults({ remoteFdb: [{ ...entry, network: 'no' }] }), ['remoteFdb[0].network']);
  t.deepEqual(faults({ remoteFdb: [entry, entry] }), ['remoteFdb[1].mac']);
});
