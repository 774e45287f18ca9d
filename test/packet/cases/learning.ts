import { EndpointFlags } from '../../../src/contract/generated.js';
import type { Case } from '../helpers/case.js';
import { BROADCAST, eth, mac, TYPE } from '../helpers/frame.js';
import { endpointOf, PORTS } from '../helpers/ports.js';
import { FDB_SIZE, OWN_MACS, putEndpoint, putFdb } from '../helpers/world.js';
import { other } from './common.js';

const { a, b, learn } = PORTS;

/** A MAC behind a port. */
function behind(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
}

/** Source MACs that are learned, and those that are not. */
export const learning: readonly Case[] = [
  {
    name: 'a source MAC behind a learning port is learned',
    from: 'learn',
    frame: other(behind(1), b.mac),
    expect: { verdict: 'redirect', to: ['b'], learned: { [behind(1)]: 'learn' } },
  },
  {
    name: "the port's own MAC is not learned: it is there",
    from: 'learn',
    frame: other(learn.mac, b.mac),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'repeated: learned once, counted once',
    before: [['learn', other(behind(1), b.mac)]],
    from: 'learn',
    frame: other(behind(1), b.mac),
    expect: { verdict: 'redirect', to: ['b'], learned: { [behind(1)]: 'learn' } },
  },
  {
    name: 'the limit of a port: one more is not learned, but forwarded',
    before: [
      ['learn', other(behind(1), b.mac)],
      ['learn', other(behind(2), b.mac)],
    ],
    from: 'learn',
    frame: other(behind(3), b.mac),
    expect: {
      verdict: 'redirect',
      to: ['b'],
      reasons: { learn_limit: 1 },
      learned: { [behind(1)]: 'learn', [behind(2)]: 'learn' },
    },
  },
  {
    name: 'at the limit, what is known already stays known',
    before: [
      ['learn', other(behind(1), b.mac)],
      ['learn', other(behind(2), b.mac)],
    ],
    from: 'learn',
    frame: other(behind(1), b.mac),
    expect: {
      verdict: 'redirect',
      to: ['b'],
      learned: { [behind(1)]: 'learn', [behind(2)]: 'learn' },
    },
  },
  {
    name: 'a limit of 0 learns nothing',
    setup: (world) => putEndpoint(world, 'learn', { learnMax: 0 }),
    from: 'learn',
    frame: other(behind(1), b.mac),
    expect: { verdict: 'redirect', to: ['b'], reasons: { learn_limit: 1 } },
  },
  {
    name: 'a MAC that shows up at another port moves there, with its count',
    setup: (world) =>
      putEndpoint(world, 'b', { flags: EndpointFlags.LEARN, learnMax: 1, mac: mac(b.mac) }),
    before: [['learn', other(behind(1), a.mac)]],
    from: 'b',
    frame: other(behind(1), a.mac),
    expect: { verdict: 'redirect', to: ['a'], learned: { [behind(1)]: 'b' } },
  },
  {
    name: 'after a move frames go to the new port',
    setup: (world) => putEndpoint(world, 'b', { flags: EndpointFlags.LEARN, learnMax: 1 }),
    before: [
      ['learn', other(behind(1), a.mac)],
      ['b', other(behind(1), a.mac)],
    ],
    frame: other(a.mac, behind(1)),
    expect: { verdict: 'redirect', to: ['b'], learned: { [behind(1)]: 'b' } },
  },
  {
    name: 'a move to a port at its limit does not happen',
    setup: (world) => putEndpoint(world, 'b', { flags: EndpointFlags.LEARN, learnMax: 0 }),
    before: [['learn', other(behind(1), a.mac)]],
    from: 'b',
    frame: other(behind(1), a.mac),
    expect: {
      verdict: 'redirect',
      to: ['a'],
      reasons: { learn_limit: 1 },
      learned: { [behind(1)]: 'learn' },
    },
  },
  {
    name: 'a static MAC of another port is not learned, the frame is forwarded',
    setup: (world) => putFdb(world, behind(1), 'b'),
    from: 'learn',
    frame: other(behind(1), a.mac),
    expect: { verdict: 'redirect', to: ['a'], reasons: { static_mac: 1 } },
  },
  {
    name: 'a static MAC of this port needs no learning',
    setup: (world) => putFdb(world, behind(1), 'learn'),
    from: 'learn',
    frame: other(behind(1), a.mac),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: "another endpoint's own MAC cannot be taken over by learning",
    from: 'learn',
    frame: other(b.mac, a.mac),
    expect: { verdict: 'redirect', to: ['a'], reasons: { static_mac: 1 } },
  },
  {
    name: 'the same MAC in another network is another MAC',
    before: [['learn', other(behind(1), BROADCAST)]],
    from: 'other2',
    frame: other(behind(1), PORTS.other.mac),
    expect: {
      verdict: 'redirect',
      to: ['other'],
      learned: { [behind(1)]: 'learn', [`${behind(1)} 200`]: 'other2' },
    },
  },
  {
    name: 'a full table: not learned, counted, forwarded',
    setup: (world) => {
      for (let n = OWN_MACS; n < FDB_SIZE; n++) putFdb(world, behind(0x80 + n), 'b');
    },
    from: 'learn',
    frame: other(behind(1), a.mac),
    expect: { verdict: 'redirect', to: ['a'], reasons: { fdb_full: 1 } },
  },
  {
    name: 'one place left in the table',
    setup: (world) => {
      for (let n = OWN_MACS + 1; n < FDB_SIZE; n++) putFdb(world, behind(0x80 + n), 'b');
    },
    from: 'learn',
    frame: other(behind(1), a.mac),
    expect: { verdict: 'redirect', to: ['a'], learned: { [behind(1)]: 'learn' } },
  },
  {
    name: 'an entry that is being removed is left alone',
    setup: (world) => putFdb(world, behind(1), 'b', { flags: 0, ifindex: 0, endpoint: 0 }),
    from: 'learn',
    frame: other(behind(1), a.mac),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: 'a locked port learns nothing',
    setup: (world) =>
      putEndpoint(world, 'a', {
        flags: endpointOf('a', 0).flags | EndpointFlags.LEARN,
        learnMax: 9,
      }),
    frame: other(behind(1), b.mac),
    expect: { verdict: 'drop', reasons: { source_mac: 1 } },
  },
  {
    name: 'a port that is neither locked nor learning lets any source through',
    setup: (world) => putEndpoint(world, 'a', { flags: 0 }),
    frame: other(behind(1), b.mac),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  {
    name: 'a multicast source MAC',
    from: 'learn',
    frame: other('03:00:00:00:00:01', b.mac),
    expect: { verdict: 'drop', reasons: { source_mac_invalid: 1 } },
  },
  {
    name: 'a broadcast source MAC',
    from: 'learn',
    frame: other(BROADCAST, b.mac),
    expect: { verdict: 'drop', reasons: { source_mac_invalid: 1 } },
  },
  {
    name: 'a source MAC of zeros',
    frame: other('00:00:00:00:00:00', b.mac),
    expect: { verdict: 'drop', reasons: { source_mac_invalid: 1 } },
  },
  {
    name: 'a destination MAC of zeros is a MAC that nobody has',
    from: 'other',
    frame: eth('00:00:00:00:00:00', PORTS.other.mac, TYPE.other),
    expect: { verdict: 'redirect', to: ['other2'], flooded: true },
  },
];
