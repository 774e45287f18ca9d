import test from 'ava';
import fc from 'fast-check';
import { DpctlError } from '../../loader/errors.js';
import { isGateway } from '../../src/model/desired/desired.js';
import { addEndpoint } from '../../src/model/endpoint/attach.js';
import {
  markDetaching,
  removeEndpoint,
  renumber,
  withPhase,
} from '../../src/model/endpoint/edits.js';
import { withGateways } from '../../src/model/network/gateways.js';
import {
  addNetwork,
  deleteNetwork,
  ensureDefaultNetwork,
} from '../../src/model/network/networks.js';
import { addStaticFdb, deleteStaticFdb } from '../../src/model/network/static-fdb.js';
import { addRemoteFdb } from '../../src/model/overlay/remote-fdb.js';
import { addRemote, deleteRemote } from '../../src/model/overlay/remotes.js';
import { invariants } from '../../src/model/state/invariants.js';
import { EMPTY_STATE, type NamespaceRef, type State } from '../../src/model/state/state.js';
import { endpointRequest, networkRequest } from './arbitraries.js';

const node: NamespaceRef = {
  ref: 'host',
  kind: 'node',
  path: '/n',
  cookie: 'node',
  created: false,
};

/** An edit with its arguments; the name appears in the report of a failure. */
interface Edit {
  readonly name: string;
  /** Repeated at once, it changes nothing. */
  readonly idempotent: boolean;
  readonly run: (state: State) => State;
}

let ifindex = 0;

/** An endpoint of the state, if any: by position, as the states are not known in advance. */
function idAt(state: State, place: number): number {
  return state.endpoints[place % Math.max(1, state.endpoints.length)]?.id ?? 1;
}

const place = fc.nat(30);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: endpointRequest.map((request) =>
      named(
        'attach',
        request,
        (state) => addEndpoint(state, { ...request, ifindex: ++ifindex }).state,
      ),
    ),
  },
  {
    weight: 3,
    arbitrary: networkRequest.map((request) =>
      named('network add', request, (state) => addNetwork(state, request).state),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('default', 'blue', 'red', 'green')
      .map((name) => named('network del', name, (state) => deleteNetwork(state, name))),
  },
  {
    weight: 1,
    arbitrary: fc.constant(named('default', '', (state) => ensureDefaultNetwork(state).state)),
  },
  {
    weight: 2,
    arbitrary: fc.constant(
      named('gateways', '', (state) => withGateways(state, node, () => ++ifindex)),
    ),
  },
  {
    weight: 1,
    arbitrary: place.map((n) =>
      named('detaching', n, (state) => markDetaching(state, idAt(state, n))),
    ),
  },
  {
    weight: 1,
    arbitrary: place.map((n) =>
      named('ready', n, (state) => withPhase(state, idAt(state, n), 'ready')),
    ),
  },
  {
    weight: 1,
    arbitrary: place.map((n) => ({
      ...named('remove', n, (state) => removeEndpoint(state, idAt(state, n))),
      idempotent: false,
    })),
  },
  {
    weight: 1,
    arbitrary: place.map((n) => ({
      ...named('renumber', n, (state) => renumber(state, idAt(state, n), ++ifindex)),
      idempotent: false,
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(place, fc.constantFrom('02:00:00:00:00:01', '0a:58:0a:c9:00:02', '02:00:00:00:00:09'))
      .map(([n, mac]) =>
        named(
          'fdb add',
          mac,
          (state) =>
            addStaticFdb(state, {
              network:
                state.endpoints.find(({ id }) => id === idAt(state, n))?.network ?? 'default',
              mac,
              endpoint: idAt(state, n),
            }).state,
        ),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        name: fc.constantFrom('a', 'b', 'c'),
        vtep: fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1'),
      })
      .map((request) => named('node add', request, (state) => addRemote(state, request).state)),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('a', 'b', 'c')
      .map((name) => named('node del', name, (state) => deleteRemote(state, name))),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        network: fc.constantFrom('default', 'blue'),
        mac: fc.constantFrom('02:00:00:00:00:01', '0a:58:0a:c9:00:02', '02:00:00:00:00:09'),
        node: fc.constantFrom('a', 'b', 'c'),
        ips: fc.subarray(['10.201.0.2', '10.201.0.5', 'fd00:c9::5']),
      })
      .map((request) =>
        named('fdb add --node', request, (state) => addRemoteFdb(state, request).state),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('default', 'blue')
      .map((network) =>
        named('fdb del', network, (state) =>
          deleteStaticFdb(state, { network, mac: '02:00:00:00:00:01' }),
        ),
      ),
  },
);

function named(name: string, what: unknown, run: Edit['run']): Edit {
  return { name: `${name} ${JSON.stringify(what)}`, idempotent: true, run };
}

/** The state after an edit; the same one if the edit is refused with an expected code. */
function tried(state: State, { run }: Edit): State {
  try {
    return run(state);
  } catch (error) {
    if (error instanceof DpctlError && [1, 3].includes(error.exitCode) && error.hint !== undefined)
      return state;
    throw error;
  }
}

/** Empty, or with networks on which an attach can succeed at once. */
const start: fc.Arbitrary<State> = fc.constantFrom(
  EMPTY_STATE,
  [
    { name: 'default', subnets: ['10.201.0.0/16', 'fd00:c9::/64'], gateway: true },
    { name: 'blue', subnets: ['10.1.0.0/29'] },
    { name: 'red' },
  ].reduce((state, request) => addNetwork(state, request).state, EMPTY_STATE),
);

test('the state is sound after any requests in any order', (t) => {
  let refused = 0;
  let made = 0;
  fc.assert(
    fc.property(start, fc.array(edit, { maxLength: 40, size: 'max' }), (first, edits) => {
      let state = first;
      for (const each of edits) {
        const before = JSON.stringify(state);
        const next = tried(state, each);
        t.is(JSON.stringify(state), before, `${each.name} changed the state that it was given`);
        t.deepEqual(invariants(next), [], each.name);
        if (each.idempotent) t.is(tried(next, each), next, `${each.name}, repeated`);
        if (next === state) refused++;
        else made++;
        state = next;
      }
      const gated = withGateways(state, node, () => ++ifindex);
      const ports = gated.endpoints.filter(isGateway).map((endpoint) => endpoint.network);
      const wanted = gated.networks.filter(({ gateway }) => gateway !== undefined);
      t.deepEqual(ports.sort(), wanted.map(({ name }) => name).sort());
    }),
    { numRuns: 300 },
  );
  // The properties prove little if all requests are refused, or none is.
  t.true(made > 1000 && refused > 1000, `${made} made, ${refused} refused`);
});

test('each fault of a state is seen', (t) => {
  const { state } = addNetwork(EMPTY_STATE, {
    name: 'default',
    subnets: ['10.1.0.0/24', 'fd00::/64'],
    gateway: true,
  });
  const request = {
    namespace: { ref: 'a', kind: 'name', path: '/a', cookie: '1', created: false },
    ifindex: 5,
    defaultMtu: 1500,
  } as const;
  const { state: one, endpoint } = addEndpoint(state, request);
  const { state: sound, entry } = addStaticFdb(one, {
    network: 'default',
    mac: '02:00:00:00:00:01',
    endpoint: 1,
  });
  t.deepEqual(invariants(sound), []);
  const [network] = sound.networks;
  if (network === undefined) throw new Error('no network');
  const other = {
    ...endpoint,
    id: 2,
    slot: 1,
    ifindex: 6,
    hostIfname: 'x',
    ifname: 'eth1',
    mac: '02:00:00:00:00:02',
    ip4: '10.1.0.9/24',
    ip6: 'fd00::9/64',
  };
  t.deepEqual(invariants({ ...sound, endpoints: [endpoint, other] }), []);
  const broken: Record<string, Partial<State>> = {
    'endpoints[1].id': { endpoints: [endpoint, { ...other, id: 1 }] },
    'endpoints[1].ifindex': { endpoints: [endpoint, { ...other, ifindex: 5 }] },
    'endpoints[1].hostIfname': { endpoints: [endpoint, { ...other, hostIfname: 'dp000001' }] },
    'endpoints[1].ifname': { endpoints: [endpoint, { ...other, ifname: 'eth0' }] },
    'endpoints[1].slot': { endpoints: [endpoint, { ...other, slot: 0 }] },
    'endpoints[1].mac': { endpoints: [endpoint, { ...other, mac: endpoint.mac }] },
    'endpoints[1].ip4': { endpoints: [endpoint, { ...other, ip4: '10.1.0.2/24' }] },
    'endpoints[1].ip6': { endpoints: [endpoint, { ...other, ip6: 'fd00::0009/64' }] },
    'endpoints[1].mtu': { endpoints: [endpoint, { ...other, mtu: 1000 }] },
    'endpoints[1].network': { endpoints: [endpoint, { ...other, network: 'gone' }] },
    'endpoints[1].allowPrefixes[0]': {
      endpoints: [endpoint, { ...other, allowPrefixes: ['10.0.0.1/8'] }],
    },
    'staticFdb[0].mac': { staticFdb: [{ ...entry, mac: endpoint.mac }] },
    'staticFdb[0].endpoint': { staticFdb: [{ ...entry, endpoint: 7 }] },
    'networks[0].index': { networks: [{ ...network, index: 4096 }] },
    'networks[0].vni': { networks: [{ ...network, vni: 0 }] },
    'networks[0].gateway.ip4': { networks: [{ ...network, gateway: { ip4: '10.1.0.255' } }] },
    'networks[1].name': { networks: [network, { ...network, index: 2, vni: 2 }] },
    'sysctls[1]': { sysctls: [1, 2].map(() => ({ key: 'a', before: '0', value: '1' })) },
  };
  for (const [subject, part] of Object.entries(broken)) {
    const subjects = invariants({ ...sound, ...part }).map((fault) => fault.subject);
    t.true(subjects.includes(subject), `${subject}: ${subjects}`);
  }
});
