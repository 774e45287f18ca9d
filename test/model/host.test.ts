/** A plan's changes of the host for gateways, and those that wait until the underlay is known. */
import test from 'ava';
import { networkEntry } from '../../src/model/desired/desired.js';
import { decodeValue } from '../../src/model/desired/table-entry.js';
import { withGateways } from '../../src/model/network/gateways.js';
import { addRemote } from '../../src/model/overlay/remotes.js';
import { setUnderlay } from '../../src/model/overlay/underlay.js';
import { sysctlSteps } from '../../src/model/plan/host.js';
import type { Observed } from '../../src/model/plan/observed.js';
import { announceSteps } from '../../src/model/plan/overlay.js';
import type { ResolvedUnderlay, State } from '../../src/model/state/state.js';
import { attach, withNetworks } from './helpers.js';

const OWN = { ref: 'host', kind: 'node', path: '/n', cookie: 'node', created: false } as const;
const RESOLVED: ResolvedUnderlay = {
  ifindex: 2,
  mtu: 1400,
  vtep: '192.0.2.1',
  decap: 'tc',
  why: 'as requested',
  refused: [],
  replicator: 16_384,
};

const KEY = 'net/ipv4/ip_forward';

/** The steps for one sysctl that was set for a gateway, if there still is one. */
function undone(now: string, gateway: boolean, before = '0'): string[] {
  const state = {
    ...withNetworks({ name: 'default', subnets: ['10.1.0.0/24'], gateway }),
    sysctls: [{ key: KEY, before, value: '1' }],
  };
  const observed = { sysctls: new Map([[KEY, now]]) } as unknown as Observed;
  return sysctlSteps(state, observed).flatMap((step) =>
    step.op === 'sysctl.set' && step.key === KEY ? `${step.was} -> ${step.value}` : [],
  );
}

test('a sysctl goes back when nothing needs it, and only if it is still as it was set', (t) => {
  t.deepEqual(undone('1', true), [], 'it is needed');
  t.deepEqual(undone('0', true), ['0 -> 1'], 'it is needed, and somebody took it back');
  t.deepEqual(undone('1', false), ['1 -> 0']);
  t.deepEqual(undone('2', false), [], 'somebody else has changed it');
  t.deepEqual(undone('0', false), [], 'it is back');
  t.deepEqual(undone('1', false, '1'), [], 'it was so before');
});

test('a gateway keeps its MTU while the underlay cannot be used, and not without one', (t) => {
  const gated = withNetworks({ name: 'default', subnets: ['10.1.0.0/16'], gateway: true });
  const up = { ...setUnderlay(gated, { device: 'eth1' }).state, resolvedUnderlay: RESOLVED };
  const mtu = (state: State) => withGateways(state, OWN, () => 999).endpoints.at(-1)?.mtu;
  const made = withGateways(up, OWN, () => 999);
  t.is(mtu(made), 1350);
  const { resolvedUnderlay: _resolved, ...waiting } = made;
  t.is(mtu(waiting), 1350, 'the underlay will be back');
  const { underlay: _underlay, ...none } = waiting;
  t.is(mtu(none), 1500);
  t.is(mtu({ ...made, resolvedUnderlay: { ...RESOLVED, mtu: 1300 } }), 1250);
});

test('the flood list of a network reaches to its highest slot, without those that leave', (t) => {
  let state = withNetworks({ name: 'default' }, { name: 'blue' });
  state = attach(state, 1).state;
  state = attach(state, 2).state;
  state = attach(state, 3).state;
  state = attach(state, 4, { network: 'blue' }).state;
  const slots = (each: State, n: number) => {
    const network = each.networks[n];
    if (network === undefined) throw new Error('no network');
    return decodeValue('network', networkEntry(each, network).value).slots;
  };
  t.deepEqual([slots(state, 0), slots(state, 1)], [3, 1]);
  const leaving = (...ids: number[]): State => ({
    ...state,
    endpoints: state.endpoints.map((each) =>
      ids.includes(each.id) ? { ...each, phase: 'detaching' as const } : each,
    ),
  });
  t.is(slots(leaving(3), 0), 2, 'the last one leaves');
  t.is(slots(leaving(1), 0), 3, 'another one leaves');
  t.is(slots(leaving(1, 2, 3), 0), 0);
  t.is(slots(leaving(4), 1), 0);
});

test('a new endpoint is announced if there are other nodes', (t) => {
  const { state, endpoint } = attach(withNetworks({ name: 'default' }), 1);
  const up = { ...setUnderlay(state, { device: 'eth1' }).state, resolvedUnderlay: RESOLVED };
  const told = addRemote(up, { name: 'a', vtep: '192.0.2.7' }).state;
  const said = (after: State, found?: object) =>
    announceSteps(after, { endpoint } as never, found as never).map(({ op }) => op);
  t.deepEqual(said(told), ['endpoint.announce']);
  t.deepEqual(said(told, { namespace: 'reachable' }), ['endpoint.announce']);
  t.deepEqual(said(up), [], 'there is no other node');
  const { resolvedUnderlay: _resolved, ...waiting } = told;
  t.deepEqual(said(waiting), [], 'there is no way to them');
  t.deepEqual(said(told, { namespace: 'unreachable' }), [], 'nobody knows whether it is new');
  t.deepEqual(said(told, { namespace: 'reachable', hook: { hook: 'tcx', programId: 1 } }), []);
  const gateway = { ...endpoint, namespace: OWN };
  t.deepEqual(announceSteps(told, { endpoint: gateway } as never, undefined), []);
});
