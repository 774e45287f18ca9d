import { EndpointFlags } from '../../../src/contract/generated.js';
import type { Case } from '../helpers/case.js';
import {
  eth,
  fragment,
  ip4,
  ip6,
  join,
  PROTO,
  TYPE,
  u16,
  u32,
  udp,
  vlan,
} from '../helpers/frame.js';
import { endpointOf, PORTS, type PortName } from '../helpers/ports.js';
import { putEndpoint, putSegment, type World } from '../helpers/world.js';

const { a, b, gateway, router } = PORTS;
const MORE = 0x2000;

/** The host is on the segment 10.0.0.0/24, fd00::/64. */
const onSegment = (world: World): void => putSegment(world, 1);

/** The request of a, which the host has translated, on its way to b; and b's answer to a. */
function asked(packet: Uint8Array, type: number = TYPE.ip4): readonly [PortName, Uint8Array] {
  return ['gateway', eth(b.mac, gateway.mac, type, packet)];
}

function answer(packet: Uint8Array, type: number = TYPE.ip4): Uint8Array {
  return eth(a.mac, b.mac, type, packet);
}

const there = (payload: Uint8Array, how = {}) => ip4({ src: a.ip4, dst: b.ip4, ...how }, payload);
const back = (payload: Uint8Array, how = {}) => ip4({ src: b.ip4, dst: a.ip4, ...how }, payload);
const there6 = (payload: Uint8Array, how = {}) => ip6({ src: a.ip6, dst: b.ip6, ...how }, payload);
const back6 = (payload: Uint8Array, how = {}) => ip6({ src: b.ip6, dst: a.ip6, ...how }, payload);

/** An echo message of ICMP or ICMPv6. */
const echo = (type: number, id: number) => join([type, 0, 0, 0], u16(id), u16(1));

function diverted(name: string, before: readonly [PortName, Uint8Array], frame: Uint8Array): Case {
  const told = join(frame);
  told.set(eth(gateway.mac, b.mac, 0).slice(0, 6));
  return {
    name,
    setup: onSegment,
    before: [before],
    from: 'b',
    frame,
    expect: { verdict: 'redirect', to: ['gateway'], frame: told },
  };
}

function straight(name: string, before: readonly [PortName, Uint8Array], frame: Uint8Array): Case {
  const expect = { verdict: 'redirect', to: ['a'] } as const;
  return { name, setup: onSegment, before: [before], from: 'b', frame, expect };
}

const UDP = asked(there(udp(1000, 8080)));
const ANSWER = answer(back(udp(8080, 1000)));

/** Answers of flows that the host has translated go to the host. */
export const service: readonly Case[] = [
  diverted('UDP', UDP, ANSWER),
  diverted(
    'TCP',
    asked(there(udp(1000, 80), { protocol: PROTO.tcp })),
    answer(back(udp(80, 1000), { protocol: PROTO.tcp })),
  ),
  diverted('IPv6', asked(there6(udp(1000, 80)), TYPE.ip6), answer(back6(udp(80, 1000)), TYPE.ip6)),
  diverted(
    'an echo',
    asked(there(echo(8, 7), { protocol: PROTO.icmp })),
    answer(back(echo(0, 7), { protocol: PROTO.icmp })),
  ),
  diverted(
    'an echo of IPv6',
    asked(there6(echo(128, 7), { next: PROTO.icmp6 }), TYPE.ip6),
    answer(back6(echo(129, 7), { next: PROTO.icmp6 }), TYPE.ip6),
  ),
  diverted('a first fragment of an answer', UDP, answer(back(udp(8080, 1000), { fragment: MORE }))),
  diverted('a later fragment of an answer', UDP, answer(back(udp(1, 2), { fragment: 3 }))),
  diverted(
    'a fragment of an answer, IPv6',
    asked(there6(udp(1, 2)), TYPE.ip6),
    answer(
      back6(join(fragment(PROTO.udp, 8, true), udp(1, 2)), { next: PROTO.fragment }),
      TYPE.ip6,
    ),
  ),
  diverted(
    'an error about a flow',
    UDP,
    answer(back(join([3, 3, 0, 0], u32(0)), { protocol: PROTO.icmp })),
  ),
  straight('another flow of the two', UDP, answer(back(udp(8080, 1001)))),
  straight('another protocol', UDP, answer(back(udp(8080, 1000), { protocol: PROTO.tcp }))),
  straight(
    'another echo',
    asked(there(echo(8, 7), { protocol: PROTO.icmp })),
    answer(back(echo(0, 8), { protocol: PROTO.icmp })),
  ),
  diverted(
    'bytes behind the packet are no ports: it goes as errors do',
    UDP,
    answer(back(udp(8080, 1001), { length: 23 })),
  ),
  diverted(
    'bytes behind the packet are no identifier either',
    asked(there(echo(8, 7), { protocol: PROTO.icmp })),
    answer(back(echo(0, 8), { protocol: PROTO.icmp, length: 25 })),
  ),
  straight('a VLAN', UDP, eth(a.mac, b.mac, TYPE.vlan, vlan(5, TYPE.ip4), back(udp(8080, 1000)))),
  straight(
    "the host's own question",
    [
      'gateway',
      eth(b.mac, gateway.mac, TYPE.ip4, ip4({ src: gateway.ip4, dst: b.ip4 }, udp(1, 2))),
    ],
    answer(back(udp(2, 1))),
  ),
  {
    name: 'a question from outside leaves no note: its answer goes to the host anyway',
    setup: onSegment,
    before: [
      [
        'gateway',
        eth(b.mac, gateway.mac, TYPE.ip4, ip4({ src: '192.0.2.9', dst: b.ip4 }, udp(1, 2))),
      ],
    ],
    from: 'b',
    frame: eth(router.mac, b.mac, TYPE.ip4, ip4({ src: b.ip4, dst: '192.0.2.9' }, udp(2, 1))),
    expect: { verdict: 'redirect', to: ['router'] },
  },
  straight(
    'an endpoint leaves no note, not even one without the lock',
    ['learn', eth(b.mac, PORTS.learn.mac, TYPE.ip4, there(udp(1000, 8080)))],
    ANSWER,
  ),
  {
    ...straight('a gateway that is gone', UDP, ANSWER),
    before: [UDP],
    setup: (world) => {
      onSegment(world);
      putEndpoint(world, 'gateway', {
        flags: endpointOf('gateway', 0).flags & ~EndpointFlags.GATEWAY,
      });
    },
  },
];
