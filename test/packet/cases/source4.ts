import type { Case } from '../helpers/case.js';
import {
  arp,
  BROADCAST,
  dhcp,
  eth,
  ip,
  ip4,
  ip6,
  join,
  linkLocal,
  PROTO,
  TYPE,
  u32,
  udp,
  vlan,
} from '../helpers/frame.js';
import { ADVERT, advert, macOption, TARGET_MAC } from '../helpers/nd.js';
import { PORTS } from '../helpers/ports.js';
import { clock, putEndpoint, putFdb, putPrefix, type World } from '../helpers/world.js';
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

/** The router may use every IPv6 source, which the table separates from IPv4. */
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

/** Anti-spoofing of IPv4. */
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
  ip4Case('no address, to one host', from(ANY, { dst: b.ip4 }), 'source_ip4'),
  ip4Case('no address, another protocol', from(ANY, { protocol: PROTO.icmp }), 'source_ip4'),
  ip4Case('a fragment with its own address', from(a.ip4, { fragment: MORE | 3 })),
  ip4Case("a fragment with another's address", from(b.ip4, { fragment: MORE | 3 }), 'source_ip4'),
  // In a VLAN, as test runs refuse a packet shorter than its EtherType requires.
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
  frameCase(
    'no stack takes 0x9100 for a tag, so no packet is behind it',
    eth(b.mac, a.mac, 0x9100, vlan(5, TYPE.ip4), from(b.ip4)),
  ),
  frameCase(
    'a tag of 0x9100 behind one that is looked through',
    eth(b.mac, a.mac, TYPE.vlan, vlan(5, 0x9100), vlan(6, TYPE.ip4), from(b.ip4)),
  ),
  frameCase('a VLAN tag cut short', eth(b.mac, a.mac, TYPE.vlan, [0, 5]), 'malformed'),
];

const LEASE = dhcp(a.mac);

/** The same message with a hardware address of 7 bytes (RFC 2131, hlen). */
function longer(message: Uint8Array): Uint8Array {
  return Uint8Array.from(message, (byte, at) => (at === 2 ? 7 : byte));
}

const ALL = '255.255.255.255';

/** What a host without an address sends. */
function lease(
  name: string,
  message: Uint8Array,
  reason?: string,
  how: Partial<Parameters<typeof ip4>[0]> = {},
  to = BROADCAST,
): Case {
  return {
    name,
    frame: eth(to, a.mac, TYPE.ip4, ip4({ src: ANY, dst: ALL, ...how }, message)),
    expect:
      reason === undefined
        ? { verdict: 'redirect', to: everybodyBut('a'), flooded: true }
        : { verdict: 'drop', reasons: { [reason]: 1 } },
  };
}

/** A host without an address may send DHCP requests, and nothing else. */
export const sourceDhcp: readonly Case[] = [
  lease('asking for an address', udp(68, 67, LEASE)),
  lease('with options', udp(68, 67, join(LEASE, new Uint8Array(64)))),
  lease('with IPv4 options', udp(68, 67, LEASE), undefined, { options: [1, 1, 1, 0] }),
  lease('to one machine', udp(68, 67, LEASE), 'source_ip4', {}, b.mac),
  lease('to one address', udp(68, 67, LEASE), 'source_ip4', { dst: b.ip4 }),
  lease('from another port', udp(69, 67, LEASE), 'source_ip4'),
  lease('to another port', udp(68, 69, LEASE), 'source_ip4'),
  lease('as a DHCP server', udp(67, 68, LEASE), 'source_ip4'),
  lease("in another's name", udp(68, 67, dhcp(b.mac)), 'source_ip4'),
  lease('a reply', udp(68, 67, dhcp(a.mac, { op: 2 })), 'source_ip4'),
  lease('of another hardware type', udp(68, 67, dhcp(a.mac, { hardware: 6 })), 'source_ip4'),
  lease('of a longer hardware address', udp(68, 67, longer(LEASE)), 'source_ip4'),
  lease('a first fragment', udp(68, 67, LEASE), 'source_ip4', { fragment: MORE }),
  lease('a later fragment', udp(68, 67, LEASE), 'source_ip4', { fragment: LATER }),
  lease('cut before the ports', new Uint8Array(0), 'malformed'),
  lease('shorter than a message is', udp(68, 67, LEASE.slice(0, -1)), 'malformed'),
  lease('bytes behind the packet are no ports', udp(68, 67, LEASE), 'malformed', { length: 23 }),
  lease('bytes behind the packet are no message', udp(68, 67, LEASE), 'malformed', { length: 61 }),
  lease('longer than the packet', udp(68, 67, LEASE), 'malformed', { length: 263 }),
];

/** An ICMP message with 8 bytes of header and its quote. */
function icmp(type: number, ...quoted: readonly Uint8Array[]): Uint8Array {
  return join([type, 0, 0, 0], u32(0), ...quoted);
}

function icmpCase(
  name: string,
  message: Uint8Array,
  reason?: string,
  how: Partial<Parameters<typeof ip4>[0]> = {},
  by: 'a' | 'router' = 'router',
): Case {
  const packet = ip4({ src: PORTS[by].ip4, dst: b.ip4, protocol: PROTO.icmp, ...how }, message);
  return ip4Case(name, packet, reason, by);
}

const QUOTED = ip4({ src: b.ip4, dst: IP4_BEHIND }, udp(1, 2, new Uint8Array(0)));
const QUOTED_OTHER = ip4({ src: b.ip4, dst: a.ip4 }, udp(1, 2, new Uint8Array(0)));

/** ICMP messages that redirect the traffic of others. */
export const sourceIcmp: readonly Case[] = [
  icmpCase('an echo request', icmp(8), undefined, {}, 'a'),
  icmpCase('an error', icmp(3, QUOTED), undefined, {}, 'a'),
  icmpCase('a redirect of a plain endpoint', icmp(5, QUOTED), 'source_icmp', {}, 'a'),
  icmpCase('a redirect of what a forwarder may have', icmp(5, QUOTED)),
  icmpCase("a redirect of another's address", icmp(5, QUOTED_OTHER), 'source_icmp'),
  icmpCase('a redirect cut before what it quotes', icmp(5), 'malformed'),
  icmpCase('a redirect that quotes bytes behind the packet', icmp(5, QUOTED), 'malformed', {
    length: 47,
  }),
  icmpCase('no message at all', new Uint8Array(0), 'malformed'),
  icmpCase('a later fragment has no message', icmp(5, QUOTED_OTHER), undefined, {
    fragment: LATER,
  }),
  icmpCase('a first fragment has one', icmp(5, QUOTED_OTHER), 'source_icmp', { fragment: MORE }),
  icmpCase('a redirect behind options', icmp(5, QUOTED_OTHER), 'source_icmp', {
    options: [1, 1, 1, 0],
  }),
  icmpCase('a router advertisement of a forwarder', icmp(9, new Uint8Array(8)), 'source_icmp'),
  {
    ...icmpCase(
      'a router advertisement by whom that may have any address',
      icmp(9, ip(router.ip4)),
    ),
    setup: (world) => putPrefix(world, 'router', '0.0.0.0', 0),
  },
];

/** A machine behind a locked port, known by its static entry. */
const MACHINE = '02:00:00:00:aa:01';

function machineCase(
  name: string,
  type: number,
  packet: Uint8Array,
  reason?: string,
  from: 'a' | 'b' = 'a',
): Case {
  return {
    name,
    setup: (world) => putFdb(world, MACHINE, from),
    frame: eth(b.mac, MACHINE, type, packet),
    expect:
      reason === undefined
        ? { verdict: 'redirect', to: ['b'] }
        : { verdict: 'drop', reasons: { [reason]: 1 } },
  };
}

function says(senderMac: string, sender: string): Uint8Array {
  return arp({ op: 2, senderMac, sender, target: b.ip4 });
}

/** A static MAC behind a locked port may send with the port's addresses. */
export const sourceStatic: readonly Case[] = [
  machineCase('with an address of the endpoint', TYPE.ip4, from(a.ip4)),
  machineCase("with another's address", TYPE.ip4, from('10.0.0.77'), 'source_ip4'),
  machineCase('that is behind another port', TYPE.ip4, from(a.ip4), 'source_mac', 'b'),
  machineCase('ARP of its own', TYPE.arp, says(MACHINE, a.ip4)),
  machineCase("ARP with the endpoint's MAC", TYPE.arp, says(a.mac, a.ip4), 'source_arp'),
  machineCase('the link-local address of its MAC', TYPE.ip6, fromLinkLocal(MACHINE)),
  machineCase(
    "the link-local address of the endpoint's MAC",
    TYPE.ip6,
    fromLinkLocal(a.mac),
    'source_ip6',
  ),
  machineCase('ND of its own', TYPE.ip6, tells(MACHINE)),
  machineCase("ND with the endpoint's MAC", TYPE.ip6, tells(a.mac), 'source_nd'),
  {
    name: 'the endpoint does not speak for it',
    setup: (world) => putFdb(world, MACHINE, 'a'),
    frame: eth(b.mac, a.mac, TYPE.arp, says(MACHINE, a.ip4)),
    expect: { verdict: 'drop', reasons: { source_arp: 1 } },
  },
  {
    name: 'a learned MAC is none',
    setup: (world) => putFdb(world, MACHINE, 'a', { flags: 0, lastSeen: clock(world) }),
    frame: eth(b.mac, MACHINE, TYPE.ip4, from(a.ip4)),
    expect: { verdict: 'drop', reasons: { source_mac: 1 }, learned: { [MACHINE]: 'a' } },
  },
  {
    name: "an endpoint's own MAC is none",
    frame: eth(router.mac, b.mac, TYPE.ip4, from(b.ip4)),
    expect: { verdict: 'drop', reasons: { source_mac: 1 } },
  },
];

function fromLinkLocal(address: string): Uint8Array {
  return ip6({ src: linkLocal(address), dst: b.ip6 }, udp(1, 2));
}

function tells(address: string): Uint8Array {
  return advert(a.ip6, a.ip6, b.ip6, ADVERT.solicited, macOption(TARGET_MAC, address));
}

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

/** Anti-spoofing of ARP. */
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
  arpCase(
    "inside two VLANs: another's",
    { sender: b.ip4 },
    'source_arp',
    'a',
    [vlan(5, TYPE.qinq), vlan(0xe000, TYPE.arp)].flat(),
  ),
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
