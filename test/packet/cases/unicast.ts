import { EndpointFlags, NetworkFlags } from '../../../src/contract/generated.js';
import type { Case } from '../helpers/case.js';
import { BROADCAST, eth, ip4, mac, TYPE, udp, vlan } from '../helpers/frame.js';
import { AGEING, NOBODY, PORTS } from '../helpers/ports.js';
import { clock, putEndpoint, putFdb, putNetwork } from '../helpers/world.js';
import { everybodyBut, other, udp4, udp6 } from './common.js';

const { a, b, learn, iso1, iso2, late, gateway, other2 } = PORTS;
const BEHIND = '02:00:00:00:00:01';

/** To one receiver, or to nobody. */
export const unicast: readonly Case[] = [
  {
    name: 'IPv4 goes to the port that has the MAC, unchanged',
    frame: udp4('a', b.mac),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'IPv6 goes to the port that has the MAC, unchanged',
    frame: udp6('a', b.mac),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'an unknown EtherType goes by its MAC alone',
    frame: other(a.mac, b.mac),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'an 802.3 frame with a length in place of the EtherType goes by its MAC',
    frame: eth(b.mac, a.mac, 46, new Uint8Array(46)),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'a frame of 14 bytes goes by its MAC',
    frame: eth(b.mac, a.mac, TYPE.other),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'a VLAN tag stays where it is, and the MAC table is the same for all tags',
    frame: eth(b.mac, a.mac, TYPE.vlan, vlan(7, TYPE.ip4), ip4({ src: a.ip4, dst: b.ip4 })),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'two VLAN tags stay where they are',
    frame: eth(
      b.mac,
      a.mac,
      TYPE.qinq,
      vlan(7, TYPE.vlan),
      vlan(8, TYPE.ip4),
      ip4({ src: a.ip4, dst: b.ip4 }, udp(1, 2)),
    ),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'a jumbo frame goes through whole',
    frame: eth(
      b.mac,
      a.mac,
      TYPE.ip4,
      ip4({ src: a.ip4, dst: b.ip4 }, udp(1, 2, new Uint8Array(3_000))),
    ),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'to the host by its own port',
    frame: udp4('a', gateway.mac, '8.8.8.8'),
    expect: { verdict: 'redirect', to: ['gateway'] },
  },
  {
    name: 'from the host, whose port is not locked: routed traffic has any source',
    from: 'gateway',
    frame: eth(a.mac, gateway.mac, TYPE.ip4, ip4({ src: '8.8.8.8', dst: a.ip4 }, udp(53, 99))),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: 'the host port learns nothing, whatever its flags say',
    setup: (world) =>
      putEndpoint(world, 'gateway', {
        flags: EndpointFlags.GATEWAY | EndpointFlags.LEARN,
        learnMax: 9,
      }),
    from: 'gateway',
    frame: other(BEHIND, a.mac),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: 'to an endpoint whose ifindex is past the array',
    frame: udp4('a', late.mac),
    expect: { verdict: 'redirect', to: ['late'] },
  },
  {
    name: 'from the last place of the array of endpoints',
    from: 'last',
    frame: udp4('last', a.mac),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: 'from the first number that the array has no place for',
    from: 'first',
    frame: udp4('first', a.mac),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: 'from an endpoint whose ifindex is past the array',
    from: 'late',
    frame: udp4('late', a.mac),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: 'the source lock holds past the array, too',
    from: 'late',
    frame: udp4('a', b.mac),
    expect: { verdict: 'drop', reasons: { source_mac: 1 } },
  },
  {
    name: 'networks are apart: the same MAC in another network is another port',
    from: 'other2',
    frame: other(other2.mac, b.mac),
    expect: { verdict: 'redirect', to: ['other'] },
  },
  {
    name: 'networks are apart: a MAC of another network is unknown',
    from: 'other2',
    frame: other(other2.mac, a.mac),
    expect: { verdict: 'redirect', to: ['other'], flooded: true },
  },
  {
    name: 'a static MAC behind a port',
    setup: (world) => putFdb(world, BEHIND, 'learn'),
    frame: other(a.mac, BEHIND),
    expect: { verdict: 'redirect', to: ['learn'] },
  },
  {
    name: 'a learned MAC behind a port',
    before: [['learn', other(BEHIND, BROADCAST)]],
    frame: other(a.mac, BEHIND),
    expect: { verdict: 'redirect', to: ['learn'], learned: { [BEHIND]: 'learn' } },
  },
  {
    name: 'to the port that it came from',
    from: 'learn',
    frame: other(BEHIND, learn.mac),
    expect: {
      verdict: 'drop',
      reasons: { same_port: 1 },
      learned: { [BEHIND]: 'learn' },
    },
  },
  {
    name: 'to its own sender',
    frame: udp4('a', a.mac),
    expect: { verdict: 'drop', reasons: { same_port: 1 } },
  },
  {
    name: 'from an isolated port to another',
    from: 'iso1',
    frame: udp4('iso1', iso2.mac),
    expect: { verdict: 'drop', reasons: { isolated: 1 } },
  },
  {
    name: 'from an isolated port to one that is not',
    from: 'iso1',
    frame: udp4('iso1', a.mac),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: 'from a port that is not isolated to one that is',
    frame: udp4('a', iso1.mac),
    expect: { verdict: 'redirect', to: ['iso1'] },
  },
  {
    name: 'a MAC that nobody has is flooded',
    frame: udp4('a', NOBODY),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'a MAC that nobody has is dropped where the network says so',
    setup: (world) => putNetwork(world, 1, { flags: NetworkFlags.NO_FLOOD_UNKNOWN }),
    frame: udp4('a', NOBODY),
    expect: { verdict: 'drop', reasons: { unknown_unicast: 1 } },
  },
  {
    name: 'broadcast is flooded even where unknown MACs are not',
    setup: (world) => putNetwork(world, 1, { flags: NetworkFlags.NO_FLOOD_UNKNOWN }),
    frame: udp4('a', BROADCAST),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'a device with no endpoint',
    from: 'bare',
    frame: udp4('a', b.mac),
    expect: { verdict: 'drop', reasons: { no_endpoint: 1 } },
  },
  {
    name: 'an endpoint whose network is gone',
    from: 'orphan',
    frame: udp4('orphan', b.mac),
    expect: { verdict: 'drop', reasons: { no_network: 1 } },
  },
];

/** The timer, not the look-up, deletes. */
const STAYS = { [`${NOBODY} 200`]: 'other' } as const;

/** Learned entries whose time is over, but whose timer has not fired yet. */
export const aged: readonly Case[] = [
  {
    name: 'a MAC not seen for the ageing time is unknown',
    setup: (world) =>
      putFdb(world, NOBODY, 'other', { flags: 0, lastSeen: clock(world, -AGEING - 1) }),
    from: 'other2',
    frame: other(other2.mac, NOBODY),
    expect: { verdict: 'redirect', to: ['other'], flooded: true, learned: STAYS },
  },
  {
    name: 'a MAC seen within the ageing time is known',
    setup: (world) => {
      putNetwork(world, 2, { flags: NetworkFlags.NO_FLOOD_UNKNOWN });
      putFdb(world, NOBODY, 'other', { flags: 0, lastSeen: clock(world, -AGEING + 1) });
    },
    from: 'other2',
    frame: other(other2.mac, NOBODY),
    expect: { verdict: 'redirect', to: ['other'], learned: STAYS },
  },
  {
    name: 'a shorter ageing time is obeyed by the next frame',
    setup: (world) => {
      putNetwork(world, 2, { flags: NetworkFlags.NO_FLOOD_UNKNOWN, ageing: 9 });
      putFdb(world, NOBODY, 'other', { flags: 0, lastSeen: clock(world, -10) });
    },
    from: 'other2',
    frame: other(other2.mac, NOBODY),
    expect: { verdict: 'drop', reasons: { unknown_unicast: 1 }, learned: STAYS },
  },
  {
    name: 'ageing time 0: never too old',
    setup: (world) => {
      putNetwork(world, 2, { flags: NetworkFlags.NO_FLOOD_UNKNOWN, ageing: 0 });
      putFdb(world, NOBODY, 'other', { flags: 0, lastSeen: clock(world, -1_000_000) });
    },
    from: 'other2',
    frame: other(other2.mac, NOBODY),
    expect: { verdict: 'redirect', to: ['other'], learned: STAYS },
  },
  {
    name: 'a static MAC never ages',
    setup: (world) => putFdb(world, NOBODY, 'other', { lastSeen: 0n }),
    from: 'other2',
    frame: other(other2.mac, NOBODY),
    expect: { verdict: 'redirect', to: ['other'] },
  },
  {
    name: 'an entry that is being removed is unknown',
    setup: (world) => {
      putNetwork(world, 2, { flags: NetworkFlags.NO_FLOOD_UNKNOWN });
      putFdb(world, NOBODY, 'other', { flags: 0, ifindex: 0, endpoint: 0, lastSeen: clock(world) });
    },
    from: 'other2',
    frame: eth(NOBODY, other2.mac, TYPE.other, mac(NOBODY)),
    expect: { verdict: 'drop', reasons: { unknown_unicast: 1 } },
  },
];
