import type { Case } from '../helpers/case.js';
import {
  eth,
  extension,
  fragment,
  type Ip6,
  ip,
  ip6,
  join,
  linkLocal,
  PROTO,
  TYPE,
  u32,
  udp,
  vlan,
} from '../helpers/frame.js';
import {
  advert,
  groupMac,
  ICMP6,
  icmp6,
  icmp6Packet,
  macOption,
  SOURCE_MAC,
  solicit,
  solicitedNode,
  TARGET_MAC,
} from '../helpers/nd.js';
import { PORTS } from '../helpers/ports.js';
import { putNeigh, putPrefix } from '../helpers/world.js';
import { everybodyBut } from './common.js';

const { a, b, router } = PORTS;
const ANY = '::';
const OWN_LINK_LOCAL = linkLocal(a.mac);
const IP6_BEHIND = '2001:db8:6::9';
const ALL_NODES = 'ff02::1';
const ALL_ROUTERS = 'ff02::2';
const MLD_ROUTERS = 'ff02::16';

type By = 'a' | 'router';

/** To b, or to a group if the packet's destination is one. */
function it(
  name: string,
  packet: Uint8Array,
  reason?: string,
  by: By = 'a',
  tags: readonly number[] = [],
): Case {
  const group = packet[24] === 0xff;
  const dst = group ? [0x33, 0x33, ...packet.slice(36, 40)] : undefined;
  const to = dst?.map((byte) => byte.toString(16).padStart(2, '0')).join(':') ?? b.mac;
  const forwarded = group
    ? ({ verdict: 'redirect', to: everybodyBut(by), flooded: true } as const)
    : ({ verdict: 'redirect', to: ['b'] } as const);
  return {
    name,
    from: by,
    frame: eth(to, PORTS[by].mac, tags.length > 0 ? TYPE.vlan : TYPE.ip6, tags, packet),
    expect: reason === undefined ? forwarded : { verdict: 'drop', reasons: { [reason]: 1 } },
  };
}

function from(src: string, options: Partial<Ip6> = {}, payload: Uint8Array = udp(1, 2)) {
  return ip6({ src, dst: b.ip6, ...options }, payload);
}

/** A packet with a chain of headers before UDP. */
function chain(src: string, types: readonly number[], last: number = PROTO.udp): Uint8Array {
  const [first = last, ...rest] = types;
  const headers = types.map((type, at) => {
    const next = rest[at] ?? last;
    return type === PROTO.fragment ? fragment(next, 0, false) : extension(next);
  });
  return ip6({ src, dst: b.ip6, next: first }, ...headers, udp(1, 2));
}

const SIX = [
  PROTO.hopByHop,
  PROTO.destination,
  PROTO.routing,
  PROTO.fragment,
  PROTO.ah,
  PROTO.destination,
];

/** Anti-spoofing of IPv6. */
export const source6: readonly Case[] = [
  it('its own address', from(a.ip6)),
  it("another's address", from(b.ip6), 'source_ip6'),
  it('an address of the outside', from('2001:db8::1'), 'source_ip6'),
  it('an address that differs in the last byte', from('fd00::ff'), 'source_ip6'),
  it('the link-local address of its MAC', from(OWN_LINK_LOCAL)),
  it("the link-local address of another's MAC", from(linkLocal(b.mac)), 'source_ip6'),
  it('another link-local address', from('fe80::1'), 'source_ip6'),
  it(
    'the interface identifier of its MAC in another prefix',
    from(`fec0${OWN_LINK_LOCAL.slice(4)}`),
    'source_ip6',
  ),
  it('no address', from(ANY), 'source_ip6'),
  it(
    'no address, an echo request to a group',
    icmp6Packet({ src: ANY, dst: ALL_NODES }, ICMP6.echo),
    'source_ip6',
  ),
  it('the loopback address', from('::1'), 'source_ip6'),
  it('IPv4 as IPv6', from('::ffff:10.0.0.1'), 'source_ip6'),
  it('TCP', from(a.ip6, { next: PROTO.tcp })),
  it("TCP with another's address", from(b.ip6, { next: PROTO.tcp }), 'source_ip6'),
  it('a forwarder with an address behind it', from(IP6_BEHIND), undefined, 'router'),
  it('a forwarder with an address beside', from('2001:db8:7::9'), 'source_ip6', 'router'),
  it('a prefix belongs to its endpoint alone', from(IP6_BEHIND), 'source_ip6'),
  it('six extension headers', chain(a.ip6, SIX)),
  it("six extension headers hide no other's address", chain(b.ip6, SIX), 'source_ip6'),
  it('seven extension headers', chain(a.ip6, [...SIX, PROTO.destination]), 'header_chain'),
  it(
    'an extension header cut short',
    from(a.ip6, { next: PROTO.hopByHop }, Uint8Array.of(6)),
    'malformed',
  ),
  it(
    'a fragment header cut short',
    from(a.ip6, { next: PROTO.fragment }, new Uint8Array(7)),
    'malformed',
  ),
  it(
    'an extension header that ends past the frame',
    from(a.ip6, { next: PROTO.hopByHop }, join([PROTO.icmp6, 9], new Uint8Array(6))),
    'malformed',
  ),
  it('a header cut short', from(a.ip6).slice(0, 39), 'malformed', 'a', vlan(5, TYPE.ip6)),
  it('another version in the header', from(a.ip6, { version: 4 }), 'malformed'),
  it('a VLAN tag hides nothing', from(b.ip6), 'source_ip6', 'a', vlan(5, TYPE.ip6)),
  it(
    'a first fragment',
    from(a.ip6, { next: PROTO.fragment }, join(fragment(PROTO.udp, 0, true), udp(1, 2))),
  ),
  it(
    'a later fragment',
    from(a.ip6, { next: PROTO.fragment }, join(fragment(PROTO.udp, 8, false), udp(1, 2))),
  ),
  it(
    'a later fragment of another protocol: there is no header of it',
    from(
      a.ip6,
      { next: PROTO.fragment },
      join(fragment(PROTO.destination, 8, false), [PROTO.icmp6, 200], new Uint8Array(6)),
    ),
  ),
  it(
    'a later fragment that begins like neighbour discovery',
    from(
      a.ip6,
      { next: PROTO.fragment, hops: 255 },
      join(fragment(PROTO.icmp6, 8, false), icmp6(a.ip6, b.ip6, ICMP6.advert, u32(0), ip(b.ip6))),
    ),
  ),
  it(
    'bytes behind the packet are no extension header',
    from(a.ip6, { next: PROTO.hopByHop, length: 0 }, join(extension(PROTO.udp), udp(1, 2))),
    'malformed',
  ),
  it(
    'bytes behind the packet are no fragment header',
    from(a.ip6, { next: PROTO.fragment, length: 7 }, fragment(PROTO.udp, 0, true)),
    'malformed',
  ),
  it(
    "a later fragment with another's address",
    from(b.ip6, { next: PROTO.fragment }, join(fragment(PROTO.udp, 8, false), udp(1, 2))),
    'source_ip6',
  ),
  it(
    'a later fragment from no address',
    from(
      ANY,
      { dst: ALL_NODES, next: PROTO.fragment },
      join(fragment(PROTO.icmp6, 8, false), udp(1, 2)),
    ),
    'source_ip6',
  ),
  it('an echo request', icmp6Packet({ src: a.ip6, dst: b.ip6 }, ICMP6.echo, u32(1))),
];

const OWN = macOption(SOURCE_MAC, a.mac);
const OWN_TARGET = macOption(TARGET_MAC, a.mac);
const OTHERS = macOption(SOURCE_MAC, b.mac);
const NONCE = join([14, 1, 1, 2, 3, 4, 5, 6]);
const TARGET = 'fd00::77';

function routerSolicit(src: string, options: Uint8Array = new Uint8Array(0)): Uint8Array {
  return icmp6Packet({ src, dst: ALL_ROUTERS }, ICMP6.routerSolicit, u32(0), options);
}

/** Behind its type, code and checksum: hop limit, flags, lifetime, reachable and retransmit time. */
const QUIET = new Uint8Array(12);

function routerAdvert(src: string, head = QUIET, ...options: readonly Uint8Array[]): Uint8Array {
  return icmp6Packet({ src, dst: ALL_NODES }, ICMP6.routerAdvert, head, ...options);
}

/** A router advertisement of the forwarder. */
function routed(...options: readonly Uint8Array[]): Uint8Array {
  return routerAdvert(linkLocal(router.mac), QUIET, ...options);
}

/** The forwarder's announcement about the link or itself. */
function says(at: number, ...bytes: readonly number[]): Uint8Array {
  const head = QUIET.slice();
  head.set(bytes, at);
  return routerAdvert(linkLocal(router.mac), head);
}

/** A prefix that is on the link (RFC 4861, 4.6.2). */
function prefixOption(prefix: string, bits: number): Uint8Array {
  return join([3, 4, bits, 0xc0], new Uint8Array(12), ip(prefix));
}

/** A route (RFC 4191, 2.3), with so many times 8 bytes. */
function routeOption(prefix: string, bits: number, length: number): Uint8Array {
  return join([24, length, bits, 0], u32(600), ip(prefix).slice(0, 8 * (length - 1)));
}

function redirect(src: string, to: string, ...options: readonly Uint8Array[]): Uint8Array {
  const body = [u32(0), ip(TARGET), ip(to), ...options];
  return icmp6Packet({ src, dst: b.ip6 }, ICMP6.redirect, ...body);
}

/** A redirect by the forwarder to b, with its MAC. */
function leadsToB(mac: string): Uint8Array {
  const body = [u32(0), ip(b.ip6), ip(IP6_BEHIND), macOption(TARGET_MAC, mac)];
  return icmp6Packet({ src: router.ip6, dst: b.ip6 }, ICMP6.redirect, ...body);
}

/** Duplicate address detection of b's address. */
const TAKEN = solicit(b.ip6, ANY);

/** Neighbour discovery behind other headers. */
function hidden(headers: readonly Uint8Array[], first: number, target = b.ip6): Uint8Array {
  const message = icmp6(a.ip6, b.ip6, ICMP6.advert, u32(0x60000000), ip(target));
  return ip6({ src: a.ip6, dst: b.ip6, next: first, hops: 255 }, ...headers, message);
}

/** Its length is in units of 4 bytes, less 2 (RFC 4302, 2.2). */
const AUTHENTICATION = join([PROTO.icmp6, 4], new Uint8Array(22));

/** Anti-spoofing of neighbour discovery, and messages of a host without an address. */
export const sourceNd: readonly Case[] = [
  it('a solicitation', solicit(TARGET, a.ip6, OWN)),
  it('a solicitation with a nonce', solicit(TARGET, a.ip6, join(OWN, NONCE))),
  it('a solicitation without a MAC', solicit(TARGET, a.ip6)),
  it('a solicitation from its link-local address', solicit(TARGET, OWN_LINK_LOCAL, OWN)),
  it("a solicitation with another's MAC", solicit(TARGET, a.ip6, OTHERS), 'source_nd'),
  it(
    "a solicitation with another's MAC after its own",
    solicit(TARGET, a.ip6, join(OWN, OTHERS)),
    'source_nd',
  ),
  it(
    "a solicitation with another's MAC after a nonce",
    solicit(TARGET, a.ip6, join(NONCE, OTHERS)),
    'source_nd',
  ),
  it("another's solicitation", solicit(TARGET, b.ip6, OWN), 'source_ip6'),
  it(
    'a solicitation with an option of length 0',
    solicit(TARGET, a.ip6, new Uint8Array(8)),
    'malformed',
  ),
  it('a solicitation with half an option', solicit(TARGET, a.ip6, OWN.slice(0, 4)), 'malformed'),
  it(
    'a solicitation with an option past the end',
    solicit(TARGET, a.ip6, join([14, 2], new Uint8Array(6))),
    'malformed',
  ),
  it(
    'a solicitation with as many options as are looked at',
    solicit(TARGET, a.ip6, join(...Array.from({ length: 16 }, () => NONCE))),
  ),
  it(
    'a solicitation with more options than are looked at',
    solicit(TARGET, a.ip6, join(...Array.from({ length: 17 }, () => NONCE))),
    'source_nd',
  ),
  it(
    'a solicitation cut short',
    icmp6Packet(
      { src: a.ip6, dst: solicitedNode(TARGET) },
      ICMP6.solicit,
      u32(0),
      new Uint8Array(15),
    ),
    'malformed',
  ),
  it(
    'a payload longer than the frame',
    ip6(
      { src: a.ip6, dst: ALL_NODES, next: PROTO.icmp6, hops: 255, length: 99 },
      icmp6(a.ip6, ALL_NODES, ICMP6.solicit, u32(0), ip(TARGET)),
    ),
    'malformed',
  ),
  it(
    'a payload of length 0',
    ip6(
      { src: a.ip6, dst: ALL_NODES, next: PROTO.icmp6, hops: 255, length: 0 },
      icmp6(a.ip6, ALL_NODES, ICMP6.solicit, u32(0), ip(TARGET)),
    ),
    'malformed',
  ),
  it('no ICMPv6 at all', ip6({ src: a.ip6, dst: b.ip6, next: PROTO.icmp6 }), 'malformed'),
  it('is its address taken?', solicit(a.ip6, ANY)),
  it('is its link-local address taken?', solicit(OWN_LINK_LOCAL, ANY)),
  it("is another's address taken?", TAKEN),
  it("is another's address taken? with a nonce", solicit(b.ip6, ANY, NONCE)),
  it("is another's address taken? inside a VLAN", TAKEN, undefined, 'a', vlan(5, TYPE.ip6)),
  it(
    "is another's address taken? with a priority: asked beside the datapath, it would take it away",
    TAKEN,
    'source_nd',
    'a',
    vlan(0xe000, TYPE.ip6),
  ),
  it(
    "is another's address taken? in another group",
    solicit(b.ip6, ANY, undefined, ALL_NODES),
    'source_nd',
  ),
  it("is another's address taken? with its MAC", solicit(b.ip6, ANY, OTHERS), 'source_nd'),
  it(
    "is another's address taken? behind a header",
    ip6(
      { src: ANY, dst: solicitedNode(b.ip6), next: PROTO.hopByHop, hops: 255 },
      extension(PROTO.icmp6),
      icmp6(ANY, solicitedNode(b.ip6), ICMP6.solicit, u32(0), ip(b.ip6)),
    ),
    'source_nd',
  ),
  {
    name: "is another's address taken? to the one who takes it",
    frame: eth(b.mac, a.mac, TYPE.ip6, TAKEN),
    expect: { verdict: 'drop', reasons: { source_nd: 1 } },
  },
  it('is its address taken? with a nonce (RFC 7527)', solicit(a.ip6, ANY, NONCE)),
  it('is its address taken? to one host', solicit(a.ip6, ANY, undefined, b.ip6), 'source_ip6'),
  it('an advertisement', advert(a.ip6, a.ip6, b.ip6, 0x60, OWN_TARGET)),
  it('an advertisement to all', advert(a.ip6, a.ip6, ALL_NODES, 0x20, OWN_TARGET)),
  it(
    'an advertisement of its link-local address',
    advert(OWN_LINK_LOCAL, OWN_LINK_LOCAL, b.ip6, 0x60, OWN_TARGET),
  ),
  it(
    "an advertisement of another's address",
    advert(b.ip6, a.ip6, ALL_NODES, 0x20, OWN_TARGET),
    'source_nd',
  ),
  it(
    "an advertisement with another's MAC",
    advert(a.ip6, a.ip6, ALL_NODES, 0x20, macOption(TARGET_MAC, b.mac)),
    'source_nd',
  ),
  it('an advertisement from no address', advert(a.ip6, ANY, ALL_NODES, 0x20), 'source_ip6'),
  it(
    "an advertisement of a forwarder for its prefix's",
    advert(IP6_BEHIND, router.ip6, ALL_NODES, 0x20, macOption(TARGET_MAC, router.mac)),
    undefined,
    'router',
  ),
  it(
    "an advertisement for another's prefix",
    advert(IP6_BEHIND, a.ip6, ALL_NODES, 0x20),
    'source_nd',
  ),
  it('a router solicitation', routerSolicit(a.ip6, OWN)),
  it('a router solicitation from no address', routerSolicit(ANY)),
  it("a router solicitation with another's MAC", routerSolicit(a.ip6, OTHERS), 'source_nd'),
  it(
    'a router solicitation cut short',
    icmp6Packet({ src: a.ip6, dst: ALL_ROUTERS }, ICMP6.routerSolicit),
    'malformed',
  ),
  it('a router advertisement of a plain endpoint', routerAdvert(OWN_LINK_LOCAL), 'source_nd'),
  it(
    'a router advertisement behind two tags',
    routerAdvert(OWN_LINK_LOCAL),
    'source_nd',
    'a',
    [vlan(5, TYPE.qinq), vlan(0xe000, TYPE.ip6)].flat(),
  ),
  it(
    'a router advertisement behind three tags',
    routerAdvert(OWN_LINK_LOCAL),
    'header_chain',
    'a',
    [vlan(5, TYPE.qinq), vlan(6, TYPE.vlan), vlan(0, TYPE.ip6)].flat(),
  ),
  it(
    'a router advertisement of a forwarder',
    routerAdvert(linkLocal(router.mac)),
    undefined,
    'router',
  ),
  it(
    "a router advertisement with another's source",
    routerAdvert(OWN_LINK_LOCAL),
    'source_ip6',
    'router',
  ),
  it(
    'a router advertisement inside a VLAN',
    routerAdvert(OWN_LINK_LOCAL),
    'source_nd',
    'a',
    vlan(5, TYPE.ip6),
  ),
  it(
    'a router advertisement that others forward to it',
    routed(prefixOption('2001:db8:6:1::', 64), routeOption('2001:db8:6::', 48, 2)),
    undefined,
    'router',
  ),
  it('a route in 8 bytes', routed(routeOption('::', 0, 1)), 'source_nd', 'router'),
  it('a route in 24 bytes', routed(routeOption('2001:db8:6::1', 128, 3)), undefined, 'router'),
  it("a route to another's", routed(routeOption('2001:db8:7::', 48, 3)), 'source_nd', 'router'),
  it("another's prefix", routed(prefixOption('fd00::', 64)), 'source_nd', 'router'),
  it(
    'a prefix with more bits than there are',
    routed(prefixOption('2001:db8:6::', 129)),
    'source_nd',
    'router',
  ),
  it('a wider prefix', routed(prefixOption('2001:db8:6::', 47)), 'source_nd', 'router'),
  it(
    'a prefix cut short',
    routed(prefixOption('2001:db8:6::', 48).slice(0, 24)),
    'malformed',
    'router',
  ),
  it(
    'a prefix in an option of 8 bytes',
    routed(join([3, 1, 48, 0], u32(0))),
    'malformed',
    'router',
  ),
  it('name servers', routed(join([25, 3, 0, 0], u32(600), ip(IP6_BEHIND))), 'source_nd', 'router'),
  it('the MTU of the link', routed(join([5, 1, 0, 0], u32(1280))), 'source_nd', 'router'),
  it("a router advertisement with another's MAC", routed(OWN), 'source_nd', 'router'),
  it(
    'a router advertisement with its MAC',
    routed(macOption(SOURCE_MAC, router.mac)),
    undefined,
    'router',
  ),
  it(
    'a router advertisement cut short',
    icmp6Packet({ src: router.ip6, dst: ALL_NODES }, ICMP6.routerAdvert, new Uint8Array(11)),
    'malformed',
    'router',
  ),
  it('a default router', says(2, 0, 1), 'source_nd', 'router'),
  it('the usual hop limit', says(0, 64), undefined, 'router'),
  it('a hop limit that ends on the way', says(0, 63), 'source_nd', 'router'),
  it('addresses by DHCP', says(1, 0x80), 'source_nd', 'router'),
  it('a reachable time', says(4, 0, 0, 0, 1), 'source_nd', 'router'),
  it('a retransmit time', says(8, 0, 0, 0, 1), 'source_nd', 'router'),
  {
    ...it(
      'a default router, by whom that may have any address',
      says(2, 7, 8),
      undefined,
      'router',
    ),
    setup: (world) => putPrefix(world, 'router', '::', 0),
  },
  {
    ...it(
      'any prefix, by whom that may have any address',
      routed(prefixOption('fd00::', 64)),
      undefined,
      'router',
    ),
    setup: (world) => putPrefix(world, 'router', '::', 0),
  },
  it('a redirect of a plain endpoint', redirect(a.ip6, IP6_BEHIND), 'source_nd'),
  it(
    'a redirect of what a forwarder may have',
    redirect(router.ip6, IP6_BEHIND),
    undefined,
    'router',
  ),
  it("a redirect of another's address", redirect(router.ip6, '2001:db8::5'), 'source_nd', 'router'),
  it(
    'a redirect cut short',
    icmp6Packet(
      { src: router.ip6, dst: b.ip6 },
      ICMP6.redirect,
      u32(0),
      ip(TARGET),
      ip(IP6_BEHIND).slice(1),
    ),
    'malformed',
    'router',
  ),
  it('a redirect to an unknown neighbour with a MAC', leadsToB(b.mac), 'source_nd', 'router'),
  {
    ...it('a redirect to a neighbour with its MAC', leadsToB(b.mac), undefined, 'router'),
    setup: (world) => putNeigh(world, 'b'),
  },
  {
    ...it(
      "a redirect to a neighbour with another's MAC",
      leadsToB(router.mac),
      'source_nd',
      'router',
    ),
    setup: (world) => putNeigh(world, 'b'),
  },
  it('behind a hop-by-hop header', hidden([extension(PROTO.icmp6)], PROTO.hopByHop), 'source_nd'),
  it(
    'behind a hop-by-hop header, its own',
    hidden([extension(PROTO.icmp6)], PROTO.hopByHop, a.ip6),
  ),
  it(
    'behind five headers',
    hidden(
      [
        extension(PROTO.destination),
        extension(PROTO.routing),
        extension(PROTO.destination),
        extension(PROTO.destination),
        extension(PROTO.icmp6),
      ],
      PROTO.hopByHop,
    ),
    'source_nd',
  ),
  it(
    'behind an authentication header of 24 bytes',
    hidden([AUTHENTICATION], PROTO.ah),
    'source_nd',
  ),
  it(
    'a router advertisement of a forwarder that says it is longer than it is',
    ip6(
      { src: router.ip6, dst: ALL_NODES, next: PROTO.icmp6, hops: 255, length: 99 },
      icmp6(router.ip6, ALL_NODES, ICMP6.routerAdvert, new Uint8Array(12)),
    ),
    'malformed',
    'router',
  ),
  it(
    'in a first fragment, even its own',
    hidden([fragment(PROTO.icmp6, 0, true)], PROTO.fragment, a.ip6),
    'source_nd',
  ),
  it(
    'in the only fragment',
    hidden([fragment(PROTO.icmp6, 0, false)], PROTO.fragment, a.ip6),
    'source_nd',
  ),
  it(
    'a first fragment that ends before the message',
    ip6(
      { src: a.ip6, dst: b.ip6, next: PROTO.fragment, hops: 255 },
      fragment(PROTO.icmp6, 0, true),
    ),
    'malformed',
  ),
  it(
    'a first fragment that ends before its next header',
    ip6(
      { src: a.ip6, dst: b.ip6, next: PROTO.fragment, hops: 255 },
      fragment(PROTO.destination, 0, true),
    ),
    'malformed',
  ),
  it(
    'with another hop limit it is no neighbour discovery',
    icmp6Packet({ src: a.ip6, dst: b.ip6, hops: 64 }, ICMP6.advert, u32(0), ip(b.ip6)),
  ),
  it(
    'from no address with another hop limit',
    icmp6Packet(
      { src: ANY, dst: solicitedNode(a.ip6), hops: 64 },
      ICMP6.solicit,
      u32(0),
      ip(a.ip6),
    ),
    'source_ip6',
  ),
  it(
    'joining a group with no address',
    ip6(
      { src: ANY, dst: MLD_ROUTERS, next: PROTO.hopByHop, hops: 1 },
      extension(PROTO.icmp6),
      icmp6(ANY, MLD_ROUTERS, ICMP6.mld2Report, u32(0)),
    ),
  ),
  it(
    'joining a group with no address, the older way',
    ip6(
      { src: ANY, dst: MLD_ROUTERS, next: PROTO.hopByHop, hops: 1 },
      extension(PROTO.icmp6),
      icmp6(ANY, MLD_ROUTERS, ICMP6.mldReport, u32(0), ip(MLD_ROUTERS)),
    ),
  ),
  it(
    'leaving a group with no address',
    ip6(
      { src: ANY, dst: ALL_ROUTERS, next: PROTO.hopByHop, hops: 1 },
      extension(PROTO.icmp6),
      icmp6(ANY, ALL_ROUTERS, ICMP6.mldDone, u32(0), ip(MLD_ROUTERS)),
    ),
  ),
  it(
    'joining a group in a fragment with no address',
    ip6(
      { src: ANY, dst: MLD_ROUTERS, next: PROTO.fragment, hops: 1 },
      fragment(PROTO.icmp6, 0, true),
      icmp6(ANY, MLD_ROUTERS, ICMP6.mld2Report, u32(0)),
    ),
    'source_ip6',
  ),
  {
    name: 'bytes behind the packet are no options',
    frame: join(
      eth(groupMac(solicitedNode(TARGET)), a.mac, TYPE.ip6, solicit(TARGET, a.ip6, OWN)),
      OTHERS,
    ),
    expect: { verdict: 'redirect', to: everybodyBut('a'), flooded: true },
  },
];
