import { EndpointFlags, NeighFlags } from '../../../src/contract/generated.js';
import type { Case } from '../helpers/case.js';
import {
  arp,
  BROADCAST,
  eth,
  ip,
  ip6,
  join,
  linkLocal,
  PROTO,
  TYPE,
  u32,
  vlan,
} from '../helpers/frame.js';
import {
  ADVERT,
  advert,
  groupMac,
  ICMP6,
  icmp6,
  macOption,
  SOURCE_MAC,
  solicit,
  solicitedNode,
  TARGET_MAC,
} from '../helpers/nd.js';
import { endpointOf, PORTS, type PortName } from '../helpers/ports.js';
import { putEndpoint, putNeigh, putPrefix, type World } from '../helpers/world.js';
import { everybodyBut } from './common.js';

const { a, b, learn, iso1, iso2, router, gateway, other } = PORTS;

const known = (world: World): void => {
  for (const name of ['a', 'b', 'learn', 'iso2', 'gateway'] as const) putNeigh(world, name);
  putNeigh(world, 'router', NeighFlags.ROUTER);
};

/** The router may have b's addresses, too. */
const mayMove = (world: World): void => {
  known(world);
  putPrefix(world, 'router', b.ip4, 32);
  putPrefix(world, 'router', b.ip6, 128);
};

function request(from: PortName, target: string, how: Partial<Parameters<typeof arp>[0]> = {}) {
  const { mac, ip4 } = PORTS[from];
  return eth(BROADCAST, mac, TYPE.arp, arp({ senderMac: mac, sender: ip4, target, ...how }));
}

function reply(to: string, toIp: string, mac: string, ip: string): Uint8Array {
  const packet = arp({ op: 2, senderMac: mac, sender: ip, targetMac: to, target: toIp });
  return eth(to, mac, TYPE.arp, packet);
}

/** ARP requests, answered or not. */
export const arpAnswers: readonly Case[] = [
  {
    name: 'a request for a known neighbour',
    setup: known,
    frame: request('a', b.ip4),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: reply(a.mac, a.ip4, b.mac, b.ip4),
    },
  },
  {
    name: 'a request padded to 60 bytes keeps its length',
    setup: known,
    frame: join(request('a', b.ip4), new Uint8Array(18)),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: join(reply(a.mac, a.ip4, b.mac, b.ip4), new Uint8Array(18)),
    },
  },
  {
    name: 'a request of the host',
    setup: known,
    from: 'gateway',
    frame: request('gateway', b.ip4),
    expect: {
      verdict: 'redirect',
      to: ['gateway'],
      suppressed: true,
      frame: reply(gateway.mac, gateway.ip4, b.mac, b.ip4),
    },
  },
  {
    name: "a probe for an address that is another's: the prober must learn of the conflict",
    setup: known,
    frame: request('a', b.ip4, { sender: '0.0.0.0' }),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: reply(a.mac, '0.0.0.0', b.mac, b.ip4),
    },
  },
  {
    name: 'a probe of whom may have the address: its holder knows whether it still has it',
    setup: mayMove,
    from: 'router',
    frame: request('router', b.ip4, { sender: '0.0.0.0' }),
    expect: { verdict: 'redirect', to: everybodyBut('router'), flooded: true },
  },
  {
    name: 'an address that has moved is not answered for the one who had it',
    setup: mayMove,
    before: [['router', request('router', b.ip4, { sender: b.ip4 })]],
    frame: request('a', b.ip4),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'an unasked reply to all moves an address, too',
    setup: mayMove,
    before: [['router', request('router', b.ip4, { op: 2, sender: b.ip4 })]],
    frame: request('a', b.ip4),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'an address has not come back because another port says so in the name of its holder',
    setup: mayMove,
    before: [
      ['router', request('router', b.ip4, { sender: b.ip4 })],
      ['learn', request('b', b.ip4)],
    ],
    frame: request('a', b.ip4),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'an address that came back is answered for again',
    setup: mayMove,
    before: [
      ['router', request('router', b.ip4, { sender: b.ip4 })],
      ['b', request('b', b.ip4)],
    ],
    frame: request('a', b.ip4),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: reply(a.mac, a.ip4, b.mac, b.ip4),
    },
  },
  {
    name: 'an address moves to nobody who was not allowed it',
    setup: known,
    before: [['router', request('router', b.ip4, { sender: b.ip4 })]],
    frame: request('a', b.ip4),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: reply(a.mac, a.ip4, b.mac, b.ip4),
    },
  },
  {
    name: "a bridge that brings a holder's own frame back moves nothing",
    setup: known,
    before: [
      [
        'learn',
        eth(
          BROADCAST,
          b.mac,
          TYPE.arp,
          arp({ senderMac: b.mac, sender: b.ip4, target: '10.0.0.77' }),
        ),
      ],
    ],
    frame: request('a', b.ip4),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: reply(a.mac, a.ip4, b.mac, b.ip4),
    },
  },
  {
    name: 'a request for an unknown neighbour',
    setup: known,
    frame: request('a', '10.0.0.77'),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'a request for its own address',
    setup: known,
    frame: request('a', a.ip4, { sender: '0.0.0.0' }),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'an announcement',
    setup: known,
    frame: request('a', a.ip4),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: "an announcement of another's address, by a port that is not locked: its owner must hear",
    setup: known,
    from: 'learn',
    frame: request('learn', b.ip4, { sender: b.ip4 }),
    expect: { verdict: 'redirect', to: everybodyBut('learn'), flooded: true },
  },
  {
    name: 'a request by the MAC that is said to have the address',
    setup: (world) => putNeigh(world, 'b', 0, b.ip4, a.mac),
    frame: request('a', b.ip4),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'a request by the MAC that is told to have the address on another node',
    setup: (world) => putNeigh(world, 'b', 0, b.ip4, a.mac, 0),
    frame: request('a', b.ip4),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'an unasked reply to all',
    setup: known,
    frame: request('a', b.ip4, { op: 2 }),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'a request to one host asks whether it is alive: only it can tell',
    setup: known,
    frame: eth(b.mac, a.mac, TYPE.arp, arp({ senderMac: a.mac, sender: a.ip4, target: b.ip4 })),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'inside a VLAN',
    setup: known,
    frame: eth(
      BROADCAST,
      a.mac,
      TYPE.vlan,
      vlan(5, TYPE.arp),
      arp({ senderMac: a.mac, sender: a.ip4, target: b.ip4 }),
    ),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: "another network's neighbour",
    setup: (world) => putNeigh(world, 'other'),
    frame: request('a', other.ip4),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'a host behind the port of the asked one: it answers for itself',
    setup: known,
    from: 'learn',
    frame: eth(
      BROADCAST,
      '02:00:00:00:00:01',
      TYPE.arp,
      arp({ senderMac: '02:00:00:00:00:01', sender: '10.0.0.33', target: learn.ip4 }),
    ),
    expect: {
      verdict: 'redirect',
      to: everybodyBut('learn'),
      flooded: true,
      learned: { '02:00:00:00:00:01': 'learn' },
    },
  },
  {
    name: 'of another hardware type',
    setup: (world) => {
      known(world);
      putEndpoint(world, 'a', { flags: 0 });
    },
    frame: request('a', b.ip4, { hardware: 6 }),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'cut short',
    setup: (world) => {
      known(world);
      putEndpoint(world, 'a', { flags: 0 });
    },
    frame: request('a', b.ip4).slice(0, -1),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'an isolated port is not told of another isolated one',
    setup: known,
    from: 'iso1',
    frame: request('iso1', iso2.ip4),
    expect: {
      verdict: 'redirect',
      to: everybodyBut('iso1').filter((name) => name !== 'iso2'),
      flooded: true,
    },
  },
  {
    name: 'an isolated port is told of others',
    setup: known,
    from: 'iso1',
    frame: request('iso1', b.ip4),
    expect: {
      verdict: 'redirect',
      to: ['iso1'],
      suppressed: true,
      frame: reply(iso1.mac, iso1.ip4, b.mac, b.ip4),
    },
  },
  {
    name: 'spoofed: dropped, not answered',
    setup: known,
    frame: request('a', b.ip4, { sender: router.ip4 }),
    expect: { verdict: 'drop', reasons: { source_arp: 1 } },
  },
];

const OWN = macOption(SOURCE_MAC, a.mac);

function ask(packet: Uint8Array, target = b.ip6): Uint8Array {
  return eth(groupMac(solicitedNode(target)), a.mac, TYPE.ip6, packet);
}

/** The frame with one byte changed. */
function changed(frame: Uint8Array, at: number, value: number): Uint8Array {
  const copy = frame.slice();
  copy[at] = value;
  return copy;
}

function told(target: typeof b | typeof router, to: string, flags: number): Uint8Array {
  const option = macOption(TARGET_MAC, target.mac);
  const packet = advert(target.ip6, target.ip6, to, flags, option);
  return eth(a.mac, target.mac, TYPE.ip6, packet);
}

/** The answer to a duplicate address detection. */
function taken(address: string, mac: string, flags = 0): Uint8Array {
  const option = macOption(TARGET_MAC, mac);
  const packet = advert(address, address, 'ff02::1', flags | ADVERT.override, option);
  return eth('33:33:00:00:00:01', mac, TYPE.ip6, packet);
}

/** The router claims b's address. */
function moves(): Uint8Array {
  const option = macOption(TARGET_MAC, router.mac);
  const packet = advert(b.ip6, router.ip6, 'ff02::1', ADVERT.override, option);
  return eth('33:33:00:00:00:01', router.mac, TYPE.ip6, packet);
}

const NONCE = Uint8Array.of(14, 1, 1, 2, 3, 4, 5, 6);

const FLOODED = { verdict: 'redirect', to: everybodyBut('a'), flooded: true } as const;

/** Neighbour solicitations, answered or not. */
export const ndAnswers: readonly Case[] = [
  {
    name: 'for a known neighbour',
    setup: known,
    frame: ask(solicit(b.ip6, a.ip6, OWN)),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: told(b, a.ip6, ADVERT.solicited | ADVERT.override),
    },
  },
  {
    name: 'for a known router',
    setup: known,
    frame: ask(solicit(router.ip6, a.ip6, OWN), router.ip6),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: told(router, a.ip6, ADVERT.router | ADVERT.solicited | ADVERT.override),
    },
  },
  {
    name: 'from a link-local address',
    setup: known,
    frame: ask(solicit(b.ip6, linkLocal(a.mac), OWN)),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: told(b, linkLocal(a.mac), ADVERT.solicited | ADVERT.override),
    },
  },
  {
    name: 'padding behind the packet stays',
    setup: known,
    frame: join(ask(solicit(b.ip6, a.ip6, OWN)), new Uint8Array(9)),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: join(told(b, a.ip6, ADVERT.solicited | ADVERT.override), new Uint8Array(9)),
    },
  },
  {
    name: 'for an unknown neighbour',
    setup: known,
    frame: ask(solicit('fd00::77', a.ip6, OWN), 'fd00::77'),
    expect: FLOODED,
  },
  {
    name: 'without a MAC',
    setup: known,
    frame: ask(solicit(b.ip6, a.ip6)),
    expect: FLOODED,
  },
  {
    name: 'with a nonce besides',
    setup: known,
    frame: ask(solicit(b.ip6, a.ip6, join(OWN, [14, 1, 0, 0, 0, 0, 0, 0]))),
    expect: FLOODED,
  },
  {
    name: 'with a nonce in place of a MAC',
    setup: known,
    frame: ask(solicit(b.ip6, a.ip6, join([14, 1, 0, 0, 0, 0, 0, 0]))),
    expect: FLOODED,
  },
  {
    name: 'is an address taken?',
    setup: known,
    frame: ask(solicit(b.ip6, '::')),
    expect: { verdict: 'redirect', to: ['a'], suppressed: true, frame: taken(b.ip6, b.mac) },
  },
  {
    name: 'is an address taken? with a nonce',
    setup: known,
    frame: ask(solicit(b.ip6, '::', NONCE)),
    expect: { verdict: 'redirect', to: ['a'], suppressed: true, frame: taken(b.ip6, b.mac) },
  },
  {
    name: 'is an address taken? with two nonces and bytes behind them',
    setup: known,
    frame: join(ask(solicit(b.ip6, '::', join(NONCE, NONCE))), new Uint8Array(5)),
    expect: { verdict: 'redirect', to: ['a'], suppressed: true, frame: taken(b.ip6, b.mac) },
  },
  {
    name: "is a router's address taken?",
    setup: known,
    frame: ask(solicit(router.ip6, '::'), router.ip6),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: taken(router.ip6, router.mac, ADVERT.router),
    },
  },
  {
    name: 'is a link-local address taken?',
    frame: ask(solicit(linkLocal(b.mac), '::'), linkLocal(b.mac)),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: taken(linkLocal(b.mac), b.mac),
    },
  },
  {
    name: 'is a link-local address taken that nobody here has?',
    frame: ask(solicit(linkLocal('02:00:00:00:00:01'), '::'), linkLocal('02:00:00:00:00:01')),
    expect: FLOODED,
  },
  {
    name: 'is its own address taken? that is for everybody',
    setup: known,
    frame: ask(solicit(a.ip6, '::'), a.ip6),
    expect: FLOODED,
  },
  {
    name: 'is an address taken? by whom may have it: its holder knows whether it still has it',
    setup: mayMove,
    from: 'router',
    frame: eth(groupMac(solicitedNode(b.ip6)), router.mac, TYPE.ip6, solicit(b.ip6, '::')),
    expect: { ...FLOODED, to: everybodyBut('router') },
  },
  {
    name: 'an address that has moved is not answered for the one who had it',
    setup: mayMove,
    before: [['router', moves()]],
    frame: ask(solicit(b.ip6, a.ip6, OWN)),
    expect: FLOODED,
  },
  {
    name: 'nor is it taken by that one',
    setup: mayMove,
    before: [['router', moves()]],
    frame: ask(solicit(b.ip6, '::')),
    expect: FLOODED,
  },
  {
    name: 'an address moves to nobody who was not allowed it',
    setup: known,
    before: [['router', moves()]],
    frame: ask(solicit(b.ip6, a.ip6, OWN)),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      suppressed: true,
      frame: told(b, a.ip6, ADVERT.solicited | ADVERT.override),
    },
  },
  {
    name: 'is an address taken? only its owner can tell a port without the lock',
    setup: (world) => {
      known(world);
      putEndpoint(world, 'a', { flags: 0 });
    },
    frame: ask(solicit(b.ip6, '::')),
    expect: FLOODED,
  },
  {
    name: 'with another code it is no solicitation',
    setup: (world) => {
      known(world);
      putEndpoint(world, 'a', { flags: 0 });
    },
    frame: changed(ask(solicit(b.ip6, a.ip6, OWN)), 55, 1),
    expect: FLOODED,
  },
  {
    name: 'with an option that says it is longer',
    setup: (world) => {
      known(world);
      putEndpoint(world, 'a', { flags: 0 });
    },
    frame: changed(ask(solicit(b.ip6, a.ip6, OWN)), 79, 2),
    expect: FLOODED,
  },
  {
    name: 'from no address, yet with a MAC: nobody could be told',
    setup: (world) => {
      known(world);
      putEndpoint(world, 'a', { flags: 0 });
    },
    frame: ask(solicit(b.ip6, '::', OWN)),
    expect: FLOODED,
  },
  {
    name: 'from no address, yet with a MAC, by who may not take the address',
    setup: known,
    frame: ask(solicit(b.ip6, '::', OWN)),
    expect: FLOODED,
  },
  {
    name: 'to one host asks whether it is alive',
    setup: known,
    frame: eth(b.mac, a.mac, TYPE.ip6, solicit(b.ip6, a.ip6, OWN, b.ip6)),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'with another hop limit it is no solicitation',
    setup: known,
    frame: ask(
      ip6(
        { src: a.ip6, dst: solicitedNode(b.ip6), next: PROTO.icmp6, hops: 254 },
        icmp6(a.ip6, solicitedNode(b.ip6), ICMP6.solicit, u32(0), ip(b.ip6), OWN),
      ),
    ),
    expect: FLOODED,
  },
  {
    name: 'an advertisement to all',
    setup: known,
    frame: ask(advert(a.ip6, a.ip6, 'ff02::1', 0x20, macOption(TARGET_MAC, a.mac))),
    expect: FLOODED,
  },
  {
    name: 'inside a VLAN',
    setup: known,
    frame: eth(
      groupMac(solicitedNode(b.ip6)),
      a.mac,
      TYPE.vlan,
      vlan(5, TYPE.ip6),
      solicit(b.ip6, a.ip6, OWN),
    ),
    expect: FLOODED,
  },
  {
    name: 'an isolated port is not told of another isolated one',
    setup: (world) => {
      known(world);
      const flags = endpointOf('a', 0).flags | EndpointFlags.ISOLATED;
      putEndpoint(world, 'a', { flags });
    },
    frame: ask(solicit(iso2.ip6, a.ip6, OWN), iso2.ip6),
    expect: {
      ...FLOODED,
      to: everybodyBut('a').filter((name) => name !== 'iso1' && name !== 'iso2'),
    },
  },
];
