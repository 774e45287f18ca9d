/** A change of one network, endpoint, node or parameter does not affect another. */
import test from 'ava';
import { decodeKey } from '../../src/model/desired/table-entry.js';
import { withGateways } from '../../src/model/network/gateways.js';
import { addNetwork } from '../../src/model/network/networks.js';
import { addStaticFdb } from '../../src/model/network/static-fdb.js';
import { chooseDecap, type DeviceFacts } from '../../src/model/overlay/decap.js';
import { addRemoteFdb } from '../../src/model/overlay/remote-fdb.js';
import { addRemote } from '../../src/model/overlay/remotes.js';
import { setUnderlay } from '../../src/model/overlay/underlay.js';
import { hookSteps } from '../../src/model/plan/arrive.js';
import { keptAdvertisements } from '../../src/model/plan/host.js';
import { teardownSteps } from '../../src/model/plan/leave.js';
import type { Observed, ObservedPort } from '../../src/model/plan/observed.js';
import { nodesLeave } from '../../src/model/plan/overlay.js';
import { scopedVnis } from '../../src/model/plan/scope.js';
import type { ResolvedUnderlay, State } from '../../src/model/state/state.js';
import { namespace } from './arbitraries.js';
import { attach, refusal, withNetworks } from './helpers.js';

const MAC = '02:00:00:00:00:01';
const OWN = { ref: 'host', kind: 'node', path: '/n', cookie: 'node', created: false } as const;

/** Two networks with an endpoint each, and two other nodes. */
function twoNetworks(): State {
  let state = withNetworks({ name: 'blue', vni: 7 }, { name: 'red', vni: 8 });
  state = attach(state, 1, { network: 'blue' }).state;
  state = attach(state, 2, { network: 'red' }).state;
  for (const [name, vtep] of [
    ['a', '192.0.2.7'],
    ['b', '192.0.2.8'],
  ] as const) {
    state = addRemote(state, { name, vtep }).state;
  }
  return state;
}

test('a MAC of one network is free on another', (t) => {
  const state = twoNetworks();
  const [blue] = state.endpoints;
  const mac = blue?.mac ?? '';
  const behind = addRemoteFdb(state, { network: 'red', mac, node: 'a' });
  t.is(behind.entry.mac, mac);
  const error = refusal(() => addRemoteFdb(state, { network: 'blue', mac, node: 'a' }));
  t.is(error.code, 'MAC_IN_USE');
});

test('a MAC that moves leaves the one on another network where it is', (t) => {
  const remote = ['blue', 'red'].reduce(
    (state, network) => addRemoteFdb(state, { network, mac: MAC, node: 'a' }).state,
    twoNetworks(),
  );
  const ref = { network: 'blue', mac: MAC, endpoint: 1 };
  const local = addStaticFdb(remote, ref).state;
  t.deepEqual(
    local.remoteFdb.map(({ network }) => network),
    ['red'],
  );
  const back = addRemoteFdb(addStaticFdb(local, { network: 'red', mac: MAC, endpoint: 2 }).state, {
    network: 'blue',
    mac: MAC,
    node: 'b',
  }).state;
  t.deepEqual(
    back.staticFdb.map(({ network }) => network),
    ['red'],
  );
});

test('a gateway has any host address of its subnet, the first and the last too', (t) => {
  const gated = (address: string) => () =>
    addNetwork(withNetworks(), { name: 'blue', subnets: ['10.1.0.0/24'], gateway: [address] });
  for (const address of ['10.1.0.1', '10.1.0.254']) {
    t.is(gated(address)().network.gateway?.ip4, address);
  }
  for (const address of ['10.1.0.0', '10.1.0.255']) t.truthy(refusal(gated(address)), address);
});

test('a gateway has the MTU of the endpoints that stay', (t) => {
  const gated = withNetworks({ name: 'default', subnets: ['10.1.0.0/16'], gateway: true });
  const { state } = attach(gated, 1, { mtu: 9000 });
  const mtu = (each: State) => withGateways(each, OWN, () => 999).endpoints.at(-1)?.mtu;
  t.is(mtu(state), 9000);
  const endpoints = state.endpoints.map((each) => ({ ...each, phase: 'detaching' as const }));
  t.is(mtu({ ...state, endpoints }), 1500);
});

test('XDP in one buffer goes as far as a buffer, and not a byte further', (t) => {
  const facts = (mtu: number): DeviceFacts => ({
    driver: 'ixgbe',
    passesSegments: false,
    merges: true,
    mergesInHardware: false,
    checksums: 'nobody',
    xdp: true,
    xdpFrags: false,
    foreignXdp: undefined,
    mtu,
    tellsDestination: true,
    tunnelDevice: undefined,
  });
  const choose = (mtu: number) =>
    chooseDecap({ device: 'eth1', port: 4789, decap: 'auto' }, facts(mtu), []).decap;
  t.deepEqual([3498, 3499].map(choose), ['xdp', 'tc-gro']);
});

test('of router advertisements only those that are accepted are kept so', (t) => {
  const sysctls = new Map([
    ['net/ipv6/conf/eth0/accept_ra', '0'],
    ['net/ipv6/conf/eth1/accept_ra', '1'],
    ['net/ipv6/conf/eth2/accept_ra', '2'],
    ['net/ipv6/conf/eth3/forwarding', '1'],
  ]);
  t.deepEqual(keptAdvertisements({ sysctls } as unknown as Observed), [
    { key: 'net/ipv6/conf/eth1/accept_ra', before: '1', value: '2' },
  ]);
});

test('a change of some nodes and networks does not affect the others', (t) => {
  const before = twoNetworks();
  const after = { ...before, nodes: [] };
  const scope = { endpoints: new Set<number>(), networks: new Set(['blue']), nodes: new Set([2]) };
  t.deepEqual(nodesLeave(before, after, scope), [{ op: 'node.forget', number: 2 }]);
  t.is(nodesLeave(before, after, 'node').length, 2);
  const up = setUnderlay(before, { device: 'eth1' }).state;
  const resolvedUnderlay: ResolvedUnderlay = {
    ifindex: 2,
    mtu: 1500,
    vtep: '192.0.2.1',
    decap: 'tc',
    why: '',
    refused: [],
    replicator: 16_384,
  };
  const vnis = scopedVnis({ ...up, resolvedUnderlay }, scope).map(({ key }) =>
    decodeKey('vni', key),
  );
  t.deepEqual(vnis, [7]);
});

const PORT: ObservedPort = {
  namespace: 'reachable',
  host: undefined,
  inner: undefined,
  addresses: [],
  ownAddresses: [],
  gateways: [],
  loopbackUp: false,
  hook: undefined,
  pinned: false,
  learned: 0,
};

test('a namespace that dpctl made goes with its last endpoint, and not under others', (t) => {
  const made = { ...namespace(1), created: true };
  const one = attach(withNetworks({ name: 'default' }), 1, { namespace: made });
  const two = attach(one.state, 2, { namespace: made, ifname: 'eth1' });
  const steps = (after: State, port: Partial<ObservedPort>) => {
    const ports = new Map([[one.endpoint.id, { ...PORT, ...port }]]);
    const observed = { ports } as unknown as Observed;
    return teardownSteps([one.endpoint], observed, after)
      .map(({ op }) => op)
      .includes('netns.delete');
  };
  const nobody = { ...two.state, endpoints: [] };
  const another = { ...two.state, endpoints: [two.endpoint] };
  t.true(steps(nobody, {}));
  t.false(steps(another, {}), 'its second endpoint stays');
  t.false(steps(nobody, { occupant: 'sleep (4711)' }), 'a process is in it');
  t.false(steps(nobody, { namespace: 'gone' }));
});

test('no program is never the right program', (t) => {
  const { endpoint } = attach(withNetworks({ name: 'default' }), 1);
  const steps = (running: number, ours: number) =>
    hookSteps(
      { endpoint } as never,
      { ...PORT, hook: { hook: 'tcx', programId: running } },
      ours,
    ).map(({ op }) => op);
  t.deepEqual(steps(5, 5), []);
  t.deepEqual(steps(4, 5), ['tc.attach']);
  t.deepEqual(steps(0, 0), ['tc.attach']);
});
