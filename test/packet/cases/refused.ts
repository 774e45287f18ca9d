import type { Case } from '../helpers/case.js';
import { arp, BROADCAST, eth, TYPE } from '../helpers/frame.js';
import { PORTS } from '../helpers/ports.js';
import { putFdb, putNeigh } from '../helpers/world.js';
import { everybodyBut, other, udp4 } from './common.js';

const { a, b, gateway } = PORTS;
const BEHIND = '02:00:00:00:00:01';
const REFUSED = { verdict: 'drop', reasons: { redirect: 1 } } as const;

/** An invalid flag, so that each redirecting helper refuses. */
export const UNKNOWN_FLAG = 1 << 30;

/** In a world whose kernel refuses every redirect: nothing is lost without a reason. */
export const refused: readonly Case[] = [
  { name: 'into a container', frame: udp4('a', b.mac), expect: REFUSED },
  { name: 'to the host', frame: udp4('a', gateway.mac), expect: REFUSED },
  {
    name: 'to a MAC behind a port',
    setup: (world) => putFdb(world, BEHIND, 'learn'),
    frame: other(a.mac, BEHIND),
    expect: REFUSED,
  },
  {
    name: 'to everybody',
    frame: udp4('a', BROADCAST),
    expect: {
      verdict: 'drop',
      flooded: true,
      reasons: { flood_copy: everybodyBut('a').length - 1, redirect: 1 },
    },
  },
  {
    name: 'an answer',
    setup: (world) => putNeigh(world, 'b'),
    frame: eth(BROADCAST, a.mac, TYPE.arp, arp({ senderMac: a.mac, sender: a.ip4, target: b.ip4 })),
    expect: {
      ...REFUSED,
      frame: eth(
        a.mac,
        b.mac,
        TYPE.arp,
        arp({ op: 2, senderMac: b.mac, sender: b.ip4, targetMac: a.mac, target: a.ip4 }),
      ),
    },
  },
];
