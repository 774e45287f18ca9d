import { mapDelete } from '../../../loader/map/entry.js';
import { EndpointFlags, FLOOD_PORT_MAX, MAPS } from '../../../src/contract/generated.js';
import type { Case } from '../helpers/case.js';
import { BROADCAST, dhcp, eth, ip4, TYPE, udp } from '../helpers/frame.js';
import { endpointOf, NOBODY, PORTS } from '../helpers/ports.js';
import { mapOf, putEndpoint, putNetwork, putPort } from '../helpers/world.js';
import { everybodyBut, other, udp4, udp6 } from './common.js';

const { a } = PORTS;

/** An ifindex that no device has. */
const NO_DEVICE = 12_345;

/** A group that bridges keep for themselves (IEEE 802.1D, 7.12.6). */
function groupOf(last: number): string {
  return `01:80:c2:00:00:${last.toString(16).padStart(2, '0')}`;
}

/** To everybody on the network. */
export const flood: readonly Case[] = [
  {
    name: 'broadcast goes to everybody else, the host included',
    frame: udp4('a', BROADCAST),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'IPv4 multicast goes to everybody else',
    frame: udp4('a', '01:00:5e:00:00:fb', '224.0.0.251'),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'IPv6 multicast goes to everybody else',
    frame: udp6('a', '33:33:00:00:00:fb', 'ff02::fb'),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'a DHCP request of a host with no address',
    frame: eth(
      BROADCAST,
      a.mac,
      TYPE.ip4,
      ip4({ src: '0.0.0.0', dst: '255.255.255.255' }, udp(68, 67, dhcp(a.mac))),
    ),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'broadcast of an unknown EtherType',
    frame: other(a.mac, BROADCAST),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
  {
    name: 'broadcast from the host',
    from: 'gateway',
    frame: udp4('gateway', BROADCAST),
    expect: { verdict: 'redirect', to: everybodyBut('gateway'), flooded: true },
  },
  {
    name: 'broadcast stays in its network',
    from: 'other',
    frame: udp4('other', BROADCAST),
    expect: { verdict: 'redirect', to: ['other2'], flooded: true },
  },
  {
    name: 'isolated ports do not hear each other',
    from: 'iso1',
    frame: udp4('iso1', BROADCAST),
    expect: {
      verdict: 'redirect',
      to: everybodyBut('iso1').filter((name) => name !== 'iso2'),
      flooded: true,
    },
  },
  {
    name: 'an isolated port with only isolated neighbours',
    setup: (world) => {
      const isolated = EndpointFlags.ISOLATED;
      putEndpoint(world, 'other', { flags: endpointOf('other', 0).flags | isolated });
      putEndpoint(world, 'other2', { flags: endpointOf('other2', 0).flags | isolated });
    },
    from: 'other',
    frame: udp4('other', NOBODY),
    expect: { verdict: 'drop', reasons: { no_port: 1 }, flooded: true },
  },
  {
    name: 'nobody else on the network',
    from: 'alone',
    frame: udp4('alone', BROADCAST),
    expect: { verdict: 'drop', reasons: { no_port: 1 }, flooded: true },
  },
  {
    name: 'holes in the list are passed over',
    setup: (world) => {
      const map = mapOf(world, 'port');
      for (const slot of [1, 3, 9]) {
        mapDelete(map, MAPS.port.key.encode({ network: 1, slot }));
      }
    },
    frame: udp4('a', BROADCAST),
    expect: {
      verdict: 'redirect',
      to: ['learn', 'iso2', 'router', 'last', 'first', 'late'],
      flooded: true,
    },
  },
  {
    name: 'slots past the end of the list are not reached',
    setup: (world) => putNetwork(world, 1, { slots: 3 }),
    frame: udp4('a', BROADCAST),
    expect: { verdict: 'redirect', to: ['b', 'learn'], flooded: true },
  },
  {
    name: 'as many slots as a flood reaches: nothing is cut off',
    setup: (world) => putNetwork(world, 3, { slots: FLOOD_PORT_MAX }),
    from: 'alone',
    frame: udp4('alone', BROADCAST),
    expect: { verdict: 'drop', reasons: { no_port: 1 }, flooded: true },
  },
  {
    name: 'more slots than a flood reaches: each missing copy is counted',
    setup: (world) => {
      putNetwork(world, 2, { slots: FLOOD_PORT_MAX + 5 });
      putPort(world, 2, FLOOD_PORT_MAX - 1, 'iso1');
      putPort(world, 2, FLOOD_PORT_MAX, 'iso2');
    },
    from: 'other',
    frame: udp4('other', BROADCAST),
    expect: {
      verdict: 'redirect',
      to: ['iso1', 'other2'],
      flooded: true,
      reasons: { flood_bound: 5 },
    },
  },
  {
    name: 'a copy for a port that is gone is counted, the others are made',
    setup: (world) => putPort(world, 1, 2, 'learn', NO_DEVICE),
    frame: udp4('a', BROADCAST),
    expect: {
      verdict: 'redirect',
      to: everybodyBut('a').filter((name) => name !== 'learn'),
      flooded: true,
      missed: ['learn'],
      reasons: { port_gone: 1 },
    },
  },
  {
    name: 'spanning tree of a bridge inside an endpoint reaches the next one',
    from: 'learn',
    frame: eth(groupOf(0x00), PORTS.learn.mac, 38, new Uint8Array(46)),
    expect: { verdict: 'redirect', to: everybodyBut('learn'), flooded: true },
  },
  {
    name: 'a pause stays on its link, whatever the mask says',
    setup: (world) => putNetwork(world, 1, { groupForward: 0xffff }),
    frame: eth(groupOf(0x01), a.mac, 0x8808, new Uint8Array(46)),
    expect: { verdict: 'drop', reasons: { link_local_group: 1 } },
  },
  ...[0x02, 0x03, 0x08, 0x0e, 0x0f].flatMap((last): Case[] => [
    {
      name: `01:80:c2:00:00:0${last.toString(16)} stays on its link`,
      setup: (world) => putNetwork(world, 1, { groupForward: 0xffff & ~(1 << last) }),
      frame: eth(groupOf(last), a.mac, TYPE.lldp, new Uint8Array(46)),
      expect: { verdict: 'drop', reasons: { link_local_group: 1 } },
    },
    {
      name: `01:80:c2:00:00:0${last.toString(16)} is forwarded if the mask says so`,
      setup: (world) => putNetwork(world, 1, { groupForward: 1 << last }),
      frame: eth(groupOf(last), a.mac, TYPE.lldp, new Uint8Array(46)),
      expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
    },
  ]),
  {
    name: 'the group next to those is forwarded',
    frame: eth('01:80:c2:00:00:10', a.mac, TYPE.other, new Uint8Array(46)),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
];
