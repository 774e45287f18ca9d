/** The last valid value and the first invalid one, and rules against two forms of the same thing. */
import test from 'ava';
import fc from 'fast-check';
import {
  ENDPOINT_MAX,
  FLOOD_PORT_MAX,
  NETWORK_MAX,
  NODE_MAX,
} from '../../src/contract/generated.js';
import { formatIp, type Ip, parseIp } from '../../src/model/address/ip.js';
import { contains, overlaps, parsePrefix, prefixOf } from '../../src/model/address/prefix.js';
import { reservedReason } from '../../src/model/address/reserved.js';
import { shellWord } from '../../src/model/hint.js';
import { addNetwork } from '../../src/model/network/networks.js';
import { chooseRanges } from '../../src/model/network/ranges.js';
import { oversized } from '../../src/model/overlay/mtu.js';
import { invariants } from '../../src/model/state/invariants.js';
import { listText } from '../../src/model/state/lookup.js';
import type { Endpoint, Network, State } from '../../src/model/state/state.js';
import { bits, ip, prefixAround } from './arbitraries.js';
import { attach, refusal, withNetworks } from './helpers.js';

/** First and last address of each reserved block, and the usable ones just outside. */
const BLOCKS: readonly (readonly [string, string, readonly string[], RegExp])[] = [
  ['0.0.0.0', '0.255.255.255', ['1.0.0.0'], /this network/],
  ['127.0.0.0', '127.255.255.255', ['126.255.255.255', '128.0.0.0'], /loopback/],
  ['224.0.0.0', '239.255.255.255', ['223.255.255.255', '240.0.0.0'], /multicast/],
  ['255.255.255.255', '255.255.255.255', ['255.255.255.254'], /broadcast/],
  ['::', '::1', ['::2'], /unspecified/],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['fe7f::', 'fec0::'], /link-local/],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['feff::'], /multicast/],
];

test('blocks that no station can have are reserved from their first address to their last', (t) => {
  const reason = (text: string) => reservedReason(parsePrefix(text));
  for (const [first, last, outside, why] of BLOCKS) {
    t.regex(reason(first) ?? '', why, first);
    t.regex(reason(last) ?? '', why, last);
    for (const free of outside) t.is(reason(free), undefined, free);
  }
  const mapped = (value: bigint) =>
    reservedReason({ family: 6, value: (0xffffn << 32n) + value, length: 128 });
  t.regex(mapped(0n) ?? '', /IPv4 written/);
  t.regex(mapped(0xffffffffn) ?? '', /IPv4 written/);
  t.is(mapped(-1n), undefined);
  t.is(mapped(1n << 32n), undefined);
  t.truthy(reason('0.0.0.0/0') && reason('::/0'), 'a prefix around a block is as bad');
});

const NAMESPACE = { ref: 'a', kind: 'name', path: '/a', cookie: '1', created: false } as const;

/** A state with a network and an endpoint, and the two. */
function sound(): { state: State; network: Network; endpoint: Endpoint } {
  const state = withNetworks({
    name: 'default',
    subnets: ['10.1.0.0/24', 'fd00:1::/64'],
    ranges: ['10.1.0.64/26', 'fd00:1::7:0/112'],
    gateway: true,
  });
  const made = attach(state, 1, { namespace: NAMESPACE });
  const [network] = made.state.networks;
  if (network === undefined) throw new Error('no network');
  return { state: made.state, network, endpoint: made.endpoint };
}

test('numbers of a state reach from their first to their last, and not one further', (t) => {
  const { state, network, endpoint } = sound();
  const faults = (part: Partial<State>) =>
    invariants({ ...state, ...part }).map(({ subject }) => subject);
  const limits: readonly (readonly [string, number, number, (value: number) => Partial<State>])[] =
    [
      ['endpoints[0].id', 1, ENDPOINT_MAX - 1, (id) => ({ endpoints: [{ ...endpoint, id }] })],
      [
        'endpoints[0].ifindex',
        1,
        2 ** 31 - 1,
        (ifindex) => ({ endpoints: [{ ...endpoint, ifindex }] }),
      ],
      [
        'endpoints[0].slot',
        0,
        FLOOD_PORT_MAX - 1,
        (slot) => ({ endpoints: [{ ...endpoint, slot }] }),
      ],
      ['networks[0].index', 1, NETWORK_MAX - 1, (index) => ({ networks: [{ ...network, index }] })],
      ['networks[0].vni', 1, 2 ** 24 - 1, (vni) => ({ networks: [{ ...network, vni }] })],
      [
        'nodes[0].number',
        1,
        NODE_MAX - 1,
        (number) => ({ nodes: [{ name: 'n', number, vtep: '192.0.2.1' }] }),
      ],
      ['endpoints[0].mtu', 1280, 65_535, (mtu) => ({ endpoints: [{ ...endpoint, mtu }] })],
    ];
  for (const [subject, first, last, part] of limits) {
    t.deepEqual(faults(part(first)), [], `${subject} ${first}`);
    t.deepEqual(faults(part(last)), [], `${subject} ${last}`);
    for (const value of [first - 1, last + 1, first + 0.5]) {
      t.deepEqual(faults(part(value)), [subject], `${subject} ${value}`);
    }
  }
});

test('addresses of a state are hosts of their subnets, and ranges a part of them', (t) => {
  const { state, network, endpoint } = sound();
  const ofNetwork = (part: Partial<Network>) => ({ networks: [{ ...network, ...part }] });
  const ofEndpoint = (part: Partial<Endpoint>) => ({ endpoints: [{ ...endpoint, ...part }] });
  const { gateway: _gateway, ...bare } = network;
  const { range4: _range4, range6: _range6, ...plain } = network;
  const beside = {
    ...{ name: 'blue', index: 2, vni: 2, ageing: network.ageing, masquerade: false },
    subnet4: '10.1.0.0/16',
  };
  const cases: readonly (readonly [string, Partial<State>, readonly string[]])[] = [
    ['the first host', ofEndpoint({ ip4: '10.1.0.2/24' }), []],
    ['the last host', ofEndpoint({ ip4: '10.1.0.254/24' }), []],
    ['the broadcast address', ofEndpoint({ ip4: '10.1.0.255/24' }), ['endpoints[0].ip4']],
    ['the network address', ofEndpoint({ ip4: '10.1.0.0/24' }), ['endpoints[0].ip4']],
    ['the next subnet', ofEndpoint({ ip4: '10.1.1.1/24' }), ['endpoints[0].ip4']],
    ['another length', ofEndpoint({ ip4: '10.1.0.9/25' }), ['endpoints[0].ip4']],
    ['the anycast address', ofEndpoint({ ip6: 'fd00:1::/64' }), ['endpoints[0].ip6']],
    ['the last IPv6', ofEndpoint({ ip6: 'fd00:1::ffff:ffff:ffff:ffff/64' }), []],
    ['a gateway at the end', ofNetwork({ gateway: { ip4: '10.1.0.254' } }), []],
    ['a gateway outside', ofNetwork({ gateway: { ip4: '10.1.1.1' } }), ['networks[0].gateway.ip4']],
    [
      'a gateway of IPv6 outside',
      ofNetwork({ gateway: { ip6: 'fd00:2::1' } }),
      ['networks[0].gateway.ip6'],
    ],
    ['masquerade', { networks: [{ ...bare, masquerade: true }] }, ['networks[0].masquerade']],
    ['masquerade with a gateway', ofNetwork({ masquerade: true }), []],
    ['half a range', ofNetwork({ range4: '10.1.0.128/25' }), []],
    ['the whole subnet as range', ofNetwork({ range4: '10.1.0.0/24' }), ['networks[0].range4']],
    ['a range around it', ofNetwork({ range4: '10.1.0.0/16' }), ['networks[0].range4']],
    ['a range beside it', ofNetwork({ range4: '10.1.1.0/26' }), ['networks[0].range4']],
    ['a range of IPv6 beside it', ofNetwork({ range6: 'fd00:2::/112' }), ['networks[0].range6']],
    [
      'a subnet of the other family',
      ofNetwork({ subnet4: 'fd00:9::/64', range4: undefined, gateway: { ip6: 'fd00:1::1' } }),
      ['networks[0].subnet4'],
    ],
    [
      'two networks that overlap, each with a gateway',
      { networks: [plain, { ...beside, gateway: { ip4: '10.1.7.1' } }] },
      ['networks[1]'],
    ],
    ['two networks that overlap, one with a gateway', { networks: [plain, beside] }, []],
    ['an address that the gateway has', ofEndpoint({ ip4: '10.1.0.1/24' }), ['endpoints[0].ip4']],
  ] as never;
  for (const [what, part, subjects] of cases) {
    const found = invariants({ ...state, ...part }).map(({ subject }) => subject);
    t.deepEqual(found, subjects, what);
  }
});

test('a range is taken where it is a part of the subnet, whatever the lengths', (t) => {
  const [network] = withNetworks({ name: 'default' }).networks;
  if (network === undefined) throw new Error('no network');
  fc.assert(
    fc.property(ip, ip, fc.nat(), fc.nat(), fc.boolean(), (near, far, m, n, inside) => {
      const subnet = prefixAround(near, m % (bits(near.family) + 1));
      const range = prefixAround(inside ? near : far, n % (bits((inside ? near : far).family) + 1));
      const [outer, inner] = [parsePrefix(subnet), parsePrefix(range)];
      const key = `subnet${outer.family}` as const;
      const part =
        outer.family === inner.family &&
        inner.value >= outer.value &&
        span(inner).last <= span(outer).last;
      const choose = () => chooseRanges(network, { [key]: subnet }, [range]);
      if (!part) {
        t.is(refusal(choose).code, 'RANGE_INVALID', `${range} of ${subnet}`);
        return;
      }
      const wanted = range === subnet ? {} : { [`range${outer.family}`]: range };
      t.deepEqual(choose(), wanted, `${range} of ${subnet}`);
      // Kept when only the subnet is requested again, and removed with another subnet.
      const had = { ...network, [`range${outer.family}`]: range };
      t.deepEqual(chooseRanges(had, { [key]: subnet }, []), wanted);
      t.deepEqual(chooseRanges(had, {}, []), {});
    }),
  );
  const subnets = { subnet4: '10.1.0.0/16', subnet6: 'fd00::/64' };
  const two = refusal(() => chooseRanges(network, subnets, ['10.1.1.0/24', '10.1.2.0/24']));
  t.regex(two.message, /at most one IPv4 range/);
  t.deepEqual(chooseRanges(network, subnets, ['10.1.1.0/24', 'fd00::7:0/112']), {
    range4: '10.1.1.0/24',
    range6: 'fd00::7:0/112',
  });
});

/** First and last address of a prefix, by arithmetic instead of shifts. */
function span({ family, value, length }: Ip & { length: number }): { first: bigint; last: bigint } {
  return { first: value, last: value + 2n ** BigInt(bits(family) - length) - 1n };
}

test('prefixes contain and overlap as their spans of addresses do', (t) => {
  fc.assert(
    fc.property(ip, ip, fc.nat(), fc.nat(), fc.boolean(), (one, two, m, n, near) => {
      const other = near ? one : two;
      const a = prefixOf(one, m % (bits(one.family) + 1));
      const b = prefixOf(other, n % (bits(other.family) + 1));
      const [p, q] = [span(a), span(b)];
      const same = a.family === b.family;
      t.is(overlaps(a, b), same && p.first <= q.last && q.first <= p.last);
      for (const value of [p.first - 1n, p.first, p.last, p.last + 1n]) {
        if (value < 0n || value >= 2n ** BigInt(bits(a.family))) continue;
        const expected = value >= p.first && value <= p.last;
        t.is(contains(a, { family: a.family, value }), expected);
        t.false(contains(a, { family: a.family === 4 ? 6 : 4, value: value & 0xffffffffn }));
      }
      t.is(formatIp(parseIp(formatIp(one))), formatIp(one));
    }),
  );
});

test('subnets with a gateway never overlap, whatever is asked in what order', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(ip, fc.integer({ min: 8, max: 30 }), fc.boolean()), { maxLength: 8 }),
      (all) => {
        let state = withNetworks();
        const taken: string[] = [];
        for (const [index, [address, length, routed]] of all.entries()) {
          // Few addresses, so that they meet.
          const close = { family: 4, value: (10n << 24n) + (address.value & 0xfffffn) } as const;
          const text = prefixAround(close, length);
          const clash = taken.some((each) => overlaps(parsePrefix(each), parsePrefix(text)));
          const request = {
            name: `n${index}`,
            subnets: [text],
            ...(routed && { gateway: true }),
          };
          if (routed && clash) {
            t.is(refusal(() => addNetwork(state, request)).code, 'SUBNET_OVERLAP');
            continue;
          }
          state = addNetwork(state, request).state;
          if (routed) taken.push(text);
        }
        t.deepEqual(invariants(state), []);
      },
    ),
  );
});

test('a packet fits into the underlay to its last byte, and one that leaves is not asked', (t) => {
  const { state, endpoint } = sound();
  const resolvedUnderlay = { device: 'eth1', ifindex: 3, mtu: 1500, vtep: '192.0.2.1' } as never;
  const ids = (part: Partial<Endpoint>) =>
    oversized({ ...state, resolvedUnderlay, endpoints: [{ ...endpoint, ...part }] }).map(
      ({ id }) => id,
    );
  t.deepEqual(ids({ mtu: 1450 }), []);
  t.deepEqual(ids({ mtu: 1451 }), [endpoint.id]);
  t.deepEqual(ids({ mtu: 1451, phase: 'detaching' }), []);
});

test('a message names five, and counts the rest', (t) => {
  t.is(listText(['a', 'b', 'c', 'd', 'e']), 'a, b, c, d, e');
  t.is(listText(['a', 'b', 'c', 'd', 'e', 'f']), 'a, b, c, d, e and 1 more');
  for (const word of ['a', '/run/x-1_2', 'fd00::1/64', 'a@b,c=d+e%']) t.is(shellWord(word), word);
  t.is(shellWord("it's"), `'it'\\''s'`);
  for (const word of ['', ' ', 'a b', '$x', '`x`', 'a;b', 'a*', '"'])
    t.is(shellWord(word), `'${word}'`);
});
