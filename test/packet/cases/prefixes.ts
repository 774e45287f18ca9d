import { NeighFlags, NetworkFlags } from '../../../src/contract/generated.js';
import type { Case } from '../helpers/case.js';
import { arp, BROADCAST, eth, TYPE } from '../helpers/frame.js';
import {
  ADVERT,
  advert,
  groupMac,
  macOption,
  SOURCE_MAC,
  solicit,
  solicitedNode,
  TARGET_MAC,
} from '../helpers/nd.js';
import { PORTS } from '../helpers/ports.js';
import { putFdb, putNeigh, putNetwork, putNodePrefix, type World } from '../helpers/world.js';
import { everybodyBut, other } from './common.js';

const { a, b, learn } = PORTS;

/** Addresses in the prefixes of node 7 and of this node, with the MACs made of them. */
const THEIRS = { ip4: '10.7.0.1', ip6: 'fd00:7::a07:1', mac: '0a:58:0a:07:00:01' };
const OURS = { ip4: '10.7.4.1', ip6: 'fd00:4::a07:401', mac: '0a:58:0a:07:04:01' };

const owned = (world: World): void => {
  putNodePrefix(world, '10.7.0.0', 16, 7);
  putNodePrefix(world, '10.7.4.0', 24, 0);
  putNodePrefix(world, 'fd00:7::', 64, 7);
  putNodePrefix(world, 'fd00:4::', 64, 0);
};

const toAll = { verdict: 'redirect', to: everybodyBut('a'), flooded: true } as const;

/** Frames to and from MACs that are made of addresses in prefixes of nodes. Without an underlay none leaves. */
export const prefixes: readonly Case[] = [
  {
    name: "a frame to a MAC of another node's prefix is for that node, and not flooded",
    setup: owned,
    frame: other(a.mac, THEIRS.mac),
    expect: { verdict: 'drop', reasons: { no_underlay: 1 } },
  },
  {
    name: "a frame to a MAC of this node's prefix that no endpoint has",
    setup: owned,
    frame: other(a.mac, OURS.mac),
    expect: { verdict: 'drop', reasons: { prefix_unused: 1 } },
  },
  {
    name: 'the entry of a MAC comes before any prefix',
    setup: (world) => {
      owned(world);
      putFdb(world, THEIRS.mac, 'b');
    },
    frame: other(a.mac, THEIRS.mac),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'a learned entry that has aged leaves the MAC to the prefix',
    setup: (world) => {
      owned(world);
      putNetwork(world, 1, { ageing: 1 });
      putFdb(world, THEIRS.mac, 'learn', { flags: 0 });
    },
    frame: other(a.mac, THEIRS.mac),
    expect: {
      verdict: 'drop',
      reasons: { no_underlay: 1 },
      learned: { [THEIRS.mac]: 'learn' },
    },
  },
  {
    name: 'a MAC that is not made of an address',
    setup: owned,
    frame: other(a.mac, `0a:59${THEIRS.mac.slice(5)}`),
    expect: toAll,
  },
  {
    name: 'an address in no prefix',
    setup: owned,
    frame: other(a.mac, '0a:58:0a:08:00:01'),
    expect: toAll,
  },
  {
    name: 'a network in which no node owns a prefix, whatever the table has',
    setup: (world) => {
      owned(world);
      putNetwork(world, 1, { flags: 0 });
    },
    frame: other(a.mac, THEIRS.mac),
    expect: toAll,
  },
  {
    name: 'a prefix is found where unknown MACs are not flooded',
    setup: (world) => {
      owned(world);
      putNetwork(world, 1, { flags: NetworkFlags.PREFIXES | NetworkFlags.NO_FLOOD_UNKNOWN });
    },
    frame: other(a.mac, THEIRS.mac),
    expect: { verdict: 'drop', reasons: { no_underlay: 1 } },
  },
  {
    name: "a MAC of another node's prefix is not learned here",
    setup: owned,
    from: 'learn',
    frame: other(THEIRS.mac, b.mac),
    expect: { verdict: 'redirect', to: ['b'], reasons: { prefix_mac: 1 } },
  },
  {
    name: "a MAC of this node's prefix is learned",
    setup: owned,
    from: 'learn',
    frame: other(OURS.mac, b.mac),
    expect: { verdict: 'redirect', to: ['b'], learned: { [OURS.mac]: 'learn' } },
  },
];

const OWN = macOption(SOURCE_MAC, a.mac);

const request = (target: string, sender: string = a.ip4) =>
  eth(BROADCAST, a.mac, TYPE.arp, arp({ senderMac: a.mac, sender, target }));

const reply = (mac: string, ip: string, to: string = a.ip4) =>
  eth(
    a.mac,
    mac,
    TYPE.arp,
    arp({ op: 2, senderMac: mac, sender: ip, targetMac: a.mac, target: to }),
  );

const ask = (target: string) =>
  eth(groupMac(solicitedNode(target)), a.mac, TYPE.ip6, solicit(target, a.ip6, OWN));

const answered = { verdict: 'redirect', to: ['a'], suppressed: true } as const;

/** Requests for addresses in prefixes of nodes. */
export const prefixAnswers: readonly Case[] = [
  {
    name: "ARP for an address in another node's prefix",
    setup: owned,
    frame: request(THEIRS.ip4),
    expect: { ...answered, frame: reply(THEIRS.mac, THEIRS.ip4) },
  },
  {
    name: 'an ARP probe for one, of whom may not have it',
    setup: owned,
    frame: request(THEIRS.ip4, '0.0.0.0'),
    expect: { ...answered, frame: reply(THEIRS.mac, THEIRS.ip4, '0.0.0.0') },
  },
  {
    name: "ARP for an unused address in this node's prefix",
    setup: owned,
    frame: request(OURS.ip4),
    expect: toAll,
  },
  {
    name: 'the entry of an address comes before any prefix',
    setup: (world) => {
      owned(world);
      putNeigh(world, 'b', 0, THEIRS.ip4);
    },
    frame: request(THEIRS.ip4),
    expect: { ...answered, frame: reply(b.mac, THEIRS.ip4) },
  },
  {
    name: 'also that of one that has moved: its new holder answers',
    setup: (world) => {
      owned(world);
      putNeigh(world, 'learn', NeighFlags.MOVED, THEIRS.ip4, learn.mac);
    },
    frame: request(THEIRS.ip4),
    expect: toAll,
  },
  {
    name: 'a solicitation for an address that ends in an IPv4 address of the node',
    setup: owned,
    frame: ask(THEIRS.ip6),
    expect: {
      ...answered,
      frame: eth(
        a.mac,
        THEIRS.mac,
        TYPE.ip6,
        advert(
          THEIRS.ip6,
          THEIRS.ip6,
          a.ip6,
          ADVERT.solicited | ADVERT.override,
          macOption(TARGET_MAC, THEIRS.mac),
        ),
      ),
    },
  },
  {
    name: 'a solicitation for an address of the node that ends in none',
    setup: owned,
    frame: ask('fd00:7::77'),
    expect: toAll,
  },
  {
    name: "a solicitation for an address that ends in this node's IPv4 address",
    setup: owned,
    frame: ask('fd00:7::a07:401'),
    expect: toAll,
  },
  {
    name: "a solicitation for an unused address in this node's prefix",
    setup: owned,
    frame: ask(OURS.ip6),
    expect: toAll,
  },
];
