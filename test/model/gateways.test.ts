import test from 'ava';
import { withPhase } from '../../src/model/endpoint/edits.js';
import { withGateways } from '../../src/model/network/gateways.js';
import { addNetwork, deleteNetwork } from '../../src/model/network/networks.js';
import { addStaticFdb } from '../../src/model/network/static-fdb.js';
import { findEndpoints } from '../../src/model/state/lookup.js';
import type { NamespaceRef, State } from '../../src/model/state/state.js';
import { attach, refusal, withNetworks } from './helpers.js';

const node: NamespaceRef = {
  ref: 'host',
  kind: 'node',
  path: '/run/dpctl/netns',
  cookie: 'node',
  created: false,
};
const pick = (name: string): number => 1000 + Number(name.slice(3));
const gated = (state: State): State => withGateways(state, node, pick);
const base = withNetworks(
  { name: 'default', subnets: ['10.1.0.0/24', 'fd00:1::/64'], gateway: true },
  { name: 'plain' },
);

test("a network with a gateway has one port of the host with the gateway's addresses", (t) => {
  const state = gated(base);
  t.is(state.endpoints.length, 1);
  t.like(state.endpoints[0], {
    id: 1,
    slot: 0,
    ifname: 'dpg1',
    hostIfname: 'dpp1',
    ifindex: 1001,
    ip4: '10.1.0.1/24',
    ip6: 'fd00:1::1/64',
    mac: '0a:58:0a:01:00:01',
    mtu: 1500,
    lock: false,
    isolated: false,
    phase: 'attaching',
  });
  t.is(gated(state), state);
});

test('the port follows what the network asks for, and keeps its MAC and numbers', (t) => {
  const ready = withPhase(gated(base), 1, 'ready');
  const moved = gated(addNetwork(ready, { name: 'default', gateway: ['10.1.0.9'] }).state);
  const unfinished = { ip4: '10.1.0.9/24', phase: 'attaching' } as const;
  t.deepEqual(moved.endpoints, [{ ...ready.endpoints[0], ...unfinished }]);
  const none = gated(addNetwork(ready, { name: 'default', gateway: false }).state);
  t.deepEqual(none.endpoints, []);
});

test('the port takes frames as large as any endpoint sends', (t) => {
  const state = attach(gated(base), 1, { mtu: 9000 }).state;
  t.is(gated(state).endpoints[0]?.mtu, 9000);
});

test('people do not see the port as an endpoint, and it keeps no network from going', (t) => {
  const state = gated(base);
  t.deepEqual(findEndpoints(state, {}), []);
  const gone = deleteNetwork(
    addStaticFdb(state, { network: 'default', mac: '02:00:00:00:00:01', endpoint: 1 }).state,
    'default',
  );
  t.deepEqual([gone.endpoints, gone.staticFdb], [[], []]);
  t.is(gated(gone), gone);
});

test("no endpoint gets the gateway's address or MAC", (t) => {
  const state = gated(base);
  const error = refusal(() => attach(state, 1, { ips: ['10.1.0.1'] }));
  t.is(error.message, '10.1.0.1 belongs to the gateway of network default');
  t.is(refusal(() => attach(state, 1, { mac: '0a:58:0a:01:00:01' })).code, 'MAC_IN_USE');
  t.is(attach(state, 1).endpoint.ip4, '10.1.0.2/24');
});

test('an address is not handed out while its gateway has no port yet', (t) => {
  const state = withNetworks({ name: 'default', subnets: ['10.1.0.0/24'], gateway: ['10.1.0.2'] });
  t.is(attach(state, 1).endpoint.ip4, '10.1.0.3/24');
});

test('of two ports on one network, one goes', (t) => {
  const state = gated(base);
  const [port] = state.endpoints;
  if (port === undefined) throw new Error('no port');
  const second = { ...port, id: 2, slot: 1, ifindex: 7, hostIfname: 'x' };
  t.deepEqual(gated({ ...state, endpoints: [port, second] }).endpoints, [port]);
});
