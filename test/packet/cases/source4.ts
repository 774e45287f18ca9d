import type { Case } from '../helpers/case.js';
import { arp, BROADCAST, eth, ip4, PROTO, TYPE, udp, vlan } from '../helpers/frame.js';
import { PORTS } from '../helpers/ports.js';
import { putEndpoint, putPrefix, type World } from '../helpers/world.js';
import { everybodyBut, udp4 } from './common.js';

const { a, b, router } = PORTS;
const IP4_BEHIND = '192.0.2.9';
const ANY = '0.0.0.0';
/** More fragments follow; fragment offset 8 bytes. */
const MORE = 0x2000;
const LATER = 1;

function from(src: string, options: Partial<Parameters<typeof ip4>[0]> = {}, ports = [68, 67]) {
  const [sport = 0, dport = 0] = ports;
  return ip4({ src, dst: '10.0.0.2', ...options }, udp(sport, dport));
}

/** The router may have every IPv6 source, which the table tells apart from IPv4. */
function anyIp6(world: World): void {
  putPrefix(world, 'router', '::', 0);
  putPrefix(world, 'router', '0.0.0.0', 0, 0);
}

function ip4Case(name: string, packet: Uint8Array, reason?: string, by: 'a' | 'router' = 'a') {
  return frameCase(name, eth(b.mac, PORTS[by].mac, TYPE.ip4, packet), reason, by);
}

function frameCase(
  name: string,
  frame: Uint8Array,
  reason?: string,
  by: 'a' | 'router' = 'a',
): Case {
  return {
    name,
    from: by,
    frame,
    expect:
      reason === undefined
        ? { verdict: 'redirect', to: ['b'] }
        : { verdict: 'drop', reasons: { [reason]: 1 } },
  };
}

function tagged(name: string, packet: Uint8Array, reason?: string): Case {
  return frameCase(name, eth(b.mac, a.mac, TYPE.vlan, vlan(5, TYPE.ip4), packet), reason);
}

/** The source lock for IPv4. */
export const source4: readonly Case[] = [
  frameCase("another's MAC", udp4('b', b.mac), 'source_mac'),
  frameCase(
    'a MAC that differs in the last byte',
    eth(b.mac, '0a:58:00:00:00:ff', TYPE.ip4, from(a.ip4)),
    'source_mac',
  ),
  frameCase(
    'a MAC that differs in the first byte',
    eth(b.mac, '0e:58:00:00:00:01', TYPE.ip4, from(a.ip4)),
    'source_mac',
  ),
  ip4Case('its own address', from(a.ip4)),
  ip4Case("another's address", from(b.ip4), 'source_ip4'),
  ip4Case('an address of the outside', from('8.8.8.8'), 'source_ip4'),
  ip4Case('an address in IPv4 options does not count', from(a.ip4, { options: [1, 1, 1, 0] })),
  ip4Case('no address, asking for one', from(ANY)),
  ip4Case('no address, asking for one, with IPv4 options', from(ANY, { options: [1, 1, 1, 0] })),
  ip4Case('no address, from another port', from(ANY, {}, [69, 67]), 'source_ip4'),
  ip4Case('no address, to another port', from(ANY, {}, [68, 69]), 'source_ip4'),
  ip4Case('no address, as a DHCP server', from(ANY, {}, [67, 68]), 'source_ip4'),
  ip4Case('no address, another protocol', from(ANY, { protocol: PROTO.icmp }), 'source_ip4'),
  ip4Case('no address, a first fragment', from(ANY, { fragment: MORE }), 'source_ip4'),
  ip4Case('no address, a later fragment', from(ANY, { fragment: LATER }), 'source_ip4'),
  ip4Case('no address, cut before the ports', ip4({ src: ANY, dst: b.ip4 }), 'malformed'),
  ip4Case('a fragment with its own address', from(a.ip4, { fragment: MORE | 3 })),
  ip4Case("a fragment with another's address", from(b.ip4, { fragment: MORE | 3 }), 'source_ip4'),
  // In a VLAN, as test runs refuse a short packet that the EtherType announces.
  tagged('a header cut short', from(a.ip4).slice(0, 19), 'malformed'),
  tagged('no header at all', new Uint8Array(0), 'malformed'),
  ip4Case('another version in the header', from(a.ip4, { version: 5 }), 'malformed'),
  ip4Case('a forwarder with its own address', from(router.ip4), undefined, 'router'),
  ip4Case('a forwarder with an address behind it', from(IP4_BEHIND), undefined, 'router'),
  ip4Case('a forwarder with an address beside', from('192.0.3.1'), 'source_ip4', 'router'),
  ip4Case("a forwarder with another's address", from(b.ip4), 'source_ip4', 'router'),
  ip4Case('a prefix belongs to its endpoint alone', from(IP4_BEHIND), 'source_ip4'),
  {
    ...ip4Case('any IPv6 source is no IPv4 source', from(b.ip4), 'source_ip4', 'router'),
    setup: anyIp6,
  },
  {
    ...ip4Case('nor is it one less', from(IP4_BEHIND), undefined, 'router'),
    setup: anyIp6,
  },
  {
    name: 'an endpoint without an IPv4 address has no IPv4 source, not even 0.0.0.0',
    setup: (world) => putEndpoint(world, 'a', { flags: 1, ip4: 0 }),
    frame: eth(b.mac, a.mac, TYPE.ip4, from(ANY, { protocol: PROTO.icmp })),
    expect: { verdict: 'drop', reasons: { source_ip4: 1 } },
  },
  frameCase(
    'one VLAN tag hides nothing',
    eth(b.mac, a.mac, TYPE.vlan, vlan(5, TYPE.ip4), from(b.ip4)),
    'source_ip4',
  ),
  frameCase(
    'two VLAN tags hide nothing',
    eth(b.mac, a.mac, TYPE.qinq, vlan(5, TYPE.vlan), vlan(6, TYPE.ip4), from(b.ip4)),
    'source_ip4',
  ),
  frameCase(
    'a priority tag hides nothing',
    eth(b.mac, a.mac, TYPE.vlan, vlan(0xe000, TYPE.ip4), from(b.ip4)),
    'source_ip4',
  ),
  frameCase(
    'three VLAN tags cannot be looked through',
    eth(
      b.mac,
      a.mac,
      TYPE.qinq,
      vlan(5, TYPE.vlan),
      vlan(6, TYPE.vlan),
      vlan(7, TYPE.ip4),
      from(a.ip4),
    ),
    'header_chain',
  ),
  frameCase('a VLAN tag cut short', eth(b.mac, a.mac, TYPE.vlan, [0, 5]), 'malformed'),
];

function arpCase(
  name: string,
  packet: Partial<Parameters<typeof arp>[0]>,
  reason?: string,
  by: 'a' | 'router' = 'a',
  tags: readonly number[] = [],
): Case {
  const own = PORTS[by];
  const body = arp({ senderMac: own.mac, sender: own.ip4, target: '10.0.0.77', ...packet });
  const type = tags.length > 0 ? TYPE.vlan : TYPE.arp;
  return {
    name,
    from: by,
    frame: eth(BROADCAST, own.mac, type, tags, body),
    expect:
      reason === undefined
        ? { verdict: 'redirect', to: everybodyBut(by), flooded: true }
        : { verdict: 'drop', reasons: { [reason]: 1 } },
  };
}

/** The source lock for ARP. */
export const sourceArp: readonly Case[] = [
  arpCase('a request of its own', {}),
  arpCase("a request with another's MAC", { senderMac: b.mac }, 'source_arp'),
  arpCase("a request with another's address", { sender: b.ip4 }, 'source_arp'),
  arpCase('a probe', { sender: ANY }),
  arpCase("a probe with another's MAC", { sender: ANY, senderMac: b.mac }, 'source_arp'),
  arpCase('an announcement of its own', { target: a.ip4 }),
  arpCase("an announcement of another's", { sender: b.ip4, target: b.ip4 }, 'source_arp'),
  arpCase('a reply of its own', { op: 2 }),
  arpCase("a reply with another's address", { op: 2, sender: b.ip4 }, 'source_arp'),
  arpCase('a reply with no address', { op: 2, sender: ANY }, 'source_arp'),
  arpCase(
    'a reply with the hardware type that Linux takes for Ethernet, too',
    { op: 2, sender: b.ip4, hardware: 6 },
    'source_arp',
  ),
  arpCase('of another hardware type', { hardware: 6 }, 'source_arp'),
  arpCase(
    "a forwarder speaks for its prefix's",
    { op: 2, sender: IP4_BEHIND },
    undefined,
    'router',
  ),
  arpCase("another's prefix", { op: 2, sender: IP4_BEHIND }, 'source_arp'),
  arpCase("inside a VLAN: another's", { sender: b.ip4 }, 'source_arp', 'a', vlan(5, TYPE.arp)),
  arpCase('inside a VLAN: its own', {}, undefined, 'a', vlan(5, TYPE.arp)),
  {
    name: 'cut short',
    frame: eth(
      BROADCAST,
      a.mac,
      TYPE.arp,
      arp({ senderMac: a.mac, sender: a.ip4, target: b.ip4 }).slice(0, 27),
    ),
    expect: { verdict: 'drop', reasons: { malformed: 1 } },
  },
];
