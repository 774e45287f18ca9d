/** Packets that must not reach the host through its gateway: VXLAN, and errors about paths to other nodes. */
import { mapPut } from '../../../loader/map/entry.js';
import { GatewayMark, MAPS } from '../../../src/contract/generated.js';
import type { Case } from '../helpers/case.js';
import {
  BROADCAST,
  eth,
  extension,
  fragment,
  ip,
  ip4,
  ip6,
  ip16,
  join,
  PROTO,
  TYPE,
  udp,
  vlan,
} from '../helpers/frame.js';
import { NOBODY, PORTS } from '../helpers/ports.js';
import { mapOf, type World } from '../helpers/world.js';
import { everybodyBut } from './common.js';

const { a, b, learn, iso1, gateway } = PORTS;
/** Not the default port. */
const PORT = 8472;
const PEER = '203.0.113.2';
const PEER6 = '2001:db8:ffff::2';
const HOST = '198.51.100.1';
const FORGED = { verdict: 'drop', reasons: { forged_vxlan: 1 } } as const;
const ERROR = { verdict: 'drop', reasons: { forged_error: 1 } } as const;
const CUT = { verdict: 'drop', reasons: { malformed: 1 } } as const;
const PASSES = { verdict: 'redirect', to: ['gateway'] } as const;

/** This node has an underlay, and knows another node by an address of either family. */
function withUnderlay(world: World): void {
  const { underlay, vtep } = MAPS;
  const local = ip16(HOST);
  const value = {
    ifindex: 1,
    flags: 0,
    mtu: 1500,
    replicator: 1,
    local,
    port: PORT,
    ttl: 64,
    dscp: 0,
    mac: new Uint8Array(6),
    decap: 0,
  };
  mapPut(mapOf(world, 'underlay'), underlay.key.encode(0), underlay.value.encode(value));
  for (const address of [PEER, PEER6]) {
    const key = vtep.key.encode({ ip: ip16(address) });
    mapPut(mapOf(world, 'vtep'), key, vtep.value.encode({ node: 1 }));
  }
}

const vxlan = udp(5000, PORT);
const to = (dst: string, payload: Uint8Array, more: { fragment?: number } = {}) =>
  eth(gateway.mac, a.mac, TYPE.ip4, ip4({ src: a.ip4, dst, ...more }, payload));
const to6 = (next: number, ...payload: readonly Uint8Array[]) =>
  eth(gateway.mac, a.mac, TYPE.ip6, ip6({ src: a.ip6, dst: PEER6, next }, ...payload));

/** An ICMP error that quotes a packet of the host's. */
function error4(type: number, code: number, dst: string, options: readonly number[] = []) {
  const quote = ip4({ src: HOST, dst, options }, udp(50_000, PORT));
  return join([type, code, 0, 0, 0, 0, 2, 40], quote);
}

function error6(type: number, dst: string) {
  return join([type, 0, 0, 0, 0, 0, 5, 0], ip6({ src: 'fd00::fe', dst }, udp(50_000, PORT)));
}

const icmp = (payload: Uint8Array, fragment = 0) =>
  eth(
    gateway.mac,
    a.mac,
    TYPE.ip4,
    ip4({ src: a.ip4, dst: HOST, protocol: PROTO.icmp, fragment }, payload),
  );

const frames: readonly Omit<Case, 'setup'>[] = [
  { name: 'VXLAN to another node by the gateway', frame: to(PEER, vxlan), expect: FORGED },
  { name: 'VXLAN to the host itself', frame: to(HOST, vxlan), expect: FORGED },
  { name: 'VXLAN to anybody', frame: to('192.0.2.77', vxlan), expect: FORGED },
  {
    name: 'VXLAN of an endpoint without the lock, in the name of a node',
    from: 'learn',
    frame: eth(gateway.mac, learn.mac, TYPE.ip4, ip4({ src: PEER, dst: HOST }, vxlan)),
    expect: FORGED,
  },
  {
    name: 'VXLAN behind options of IPv4',
    frame: eth(
      gateway.mac,
      a.mac,
      TYPE.ip4,
      ip4({ src: a.ip4, dst: PEER, options: [1, 1, 1, 0] }, vxlan),
    ),
    expect: FORGED,
  },
  {
    name: 'VXLAN behind two tags',
    frame: eth(
      gateway.mac,
      a.mac,
      TYPE.qinq,
      vlan(7, TYPE.vlan),
      vlan(0, TYPE.ip4),
      ip4({ src: a.ip4, dst: PEER }, vxlan),
    ),
    expect: FORGED,
  },
  {
    name: 'the first fragment of VXLAN, of 8 bytes',
    frame: to(PEER, vxlan.subarray(0, 8), { fragment: 0x2000 }),
    expect: FORGED,
  },
  {
    name: 'a later fragment without the first one',
    frame: to(PEER, vxlan.subarray(8), { fragment: 1 }),
    expect: PASSES,
  },
  { name: 'VXLAN of IPv6', frame: to6(PROTO.udp, vxlan), expect: FORGED },
  {
    name: 'VXLAN of IPv6 behind extension headers and in a first fragment',
    frame: to6(
      PROTO.hopByHop,
      extension(PROTO.destination),
      extension(PROTO.fragment),
      fragment(PROTO.udp, 0, true),
      vxlan,
    ),
    expect: FORGED,
  },
  {
    name: 'IPv6 with more headers than are looked through',
    from: 'learn',
    frame: eth(
      gateway.mac,
      learn.mac,
      TYPE.ip6,
      ip6(
        { src: learn.ip6, dst: PEER6, next: PROTO.destination },
        ...Array.from({ length: 7 }, () => extension(PROTO.destination)),
        extension(PROTO.udp),
        vxlan,
      ),
    ),
    expect: { verdict: 'drop', reasons: { header_chain: 1 } },
  },
  {
    name: 'VXLAN to the address of the host by the broadcast address of layer 2',
    frame: eth(BROADCAST, a.mac, TYPE.ip4, ip4({ src: a.ip4, dst: HOST }, vxlan)),
    expect: FORGED,
  },
  {
    name: 'VXLAN of containers to a group stays theirs',
    frame: eth('01:00:5e:00:00:07', a.mac, TYPE.ip4, ip4({ src: a.ip4, dst: '239.0.0.7' }, vxlan)),
    expect: { verdict: 'redirect', flooded: true, to: everybodyBut('a') },
  },
  {
    name: 'VXLAN between containers stays theirs',
    frame: eth(b.mac, a.mac, TYPE.ip4, ip4({ src: a.ip4, dst: b.ip4 }, vxlan)),
    expect: { verdict: 'redirect', to: ['b'] },
  },
  { name: 'UDP to another port', frame: to(PEER, udp(PORT, 4789)), expect: PASSES },
  {
    name: 'what the host sends itself',
    from: 'gateway',
    frame: eth(a.mac, gateway.mac, TYPE.ip4, ip4({ src: HOST, dst: a.ip4 }, vxlan)),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  { name: 'fragmentation needed, to a node', frame: icmp(error4(3, 4, PEER)), expect: ERROR },
  { name: 'port unreachable, at a node', frame: icmp(error4(3, 3, PEER)), expect: ERROR },
  {
    name: 'a redirect for a node',
    from: 'learn',
    frame: eth(
      gateway.mac,
      learn.mac,
      TYPE.ip4,
      ip4({ src: learn.ip4, dst: HOST, protocol: PROTO.icmp }, error4(5, 1, PEER)),
    ),
    expect: ERROR,
  },
  {
    name: 'an error that quotes a packet with options',
    frame: icmp(error4(3, 4, PEER, [1, 1, 1, 1, 1, 1, 1, 0])),
    expect: ERROR,
  },
  {
    name: 'a fragment of an error, too short to see what it is about',
    frame: icmp(error4(3, 4, PEER).subarray(0, 16), 0x2000),
    expect: { verdict: 'drop', reasons: { malformed: 1 } },
  },
  {
    name: 'a fragment of an error, and behind it what looks like the rest',
    frame: join(icmp(error4(3, 4, PEER).subarray(0, 8), 0x2000), error4(3, 4, a.ip4).subarray(8)),
    expect: CUT,
  },
  {
    name: 'a fragment of packet too big, and behind it what looks like the rest',
    frame: join(
      to6(PROTO.fragment, fragment(PROTO.icmp6, 0, true), error6(2, PEER6).subarray(0, 8)),
      error6(2, a.ip6).subarray(8),
    ),
    expect: CUT,
  },
  {
    name: 'a fragment that ends before UDP, and behind it what looks like that',
    frame: join(
      to6(PROTO.fragment, fragment(PROTO.destination, 0, true), extension(PROTO.udp)),
      udp(1, 2),
    ),
    expect: CUT,
  },
  {
    name: 'UDP that begins behind the end of the packet',
    frame: eth(gateway.mac, a.mac, TYPE.ip4, ip4({ src: a.ip4, dst: PEER, length: 22 }, udp(1, 2))),
    expect: CUT,
  },
  {
    name: 'an error about a packet to an endpoint',
    frame: icmp(error4(3, 3, a.ip4)),
    expect: PASSES,
  },
  { name: 'ping', frame: icmp(join([8, 0, 0, 0, 0, 1, 0, 1], ip(PEER))), expect: PASSES },
  { name: 'packet too big, to a node', frame: to6(PROTO.icmp6, error6(2, PEER6)), expect: ERROR },
  {
    name: 'packet too big behind an extension header',
    frame: to6(PROTO.destination, extension(PROTO.icmp6), error6(2, PEER6)),
    expect: ERROR,
  },
  {
    name: 'a redirect of neighbour discovery for a node',
    from: 'learn',
    frame: eth(
      gateway.mac,
      learn.mac,
      TYPE.ip6,
      ip6(
        { src: learn.ip6, dst: 'fd00::fe', next: PROTO.icmp6, hops: 255 },
        [137, 0, 0, 0, 0, 0, 0, 0],
        ip16(learn.ip6),
        ip16(PEER6),
      ),
    ),
    expect: ERROR,
  },
  {
    name: 'an ICMPv6 error about a packet to an endpoint',
    frame: to6(PROTO.icmp6, error6(1, a.ip6)),
    expect: PASSES,
  },
];

/** In a world with an underlay. */
export const guard: readonly Case[] = [
  ...frames.map((it) => ({ ...it, setup: withUnderlay })),
  {
    name: 'without an underlay there is no VXLAN to forge',
    frame: to(PEER, vxlan),
    expect: PASSES,
  },
];

/** Packets that the host forwards from one gateway to another, or back by the same one, carry a mark. */
export const forwarded: readonly Case[] = [
  {
    name: 'from another network',
    from: 'gateway',
    mark: GatewayMark.APART,
    frame: fromHost(a),
    expect: { verdict: 'drop', reasons: { networks_apart: 1 } },
  },
  {
    name: 'from the same network to a port',
    from: 'gateway',
    mark: GatewayMark.BACK,
    frame: fromHost(a),
    expect: { verdict: 'redirect', to: ['a'] },
  },
  {
    name: 'from the same network to an isolated port',
    from: 'gateway',
    mark: GatewayMark.BACK,
    frame: fromHost(iso1),
    expect: { verdict: 'drop', reasons: { isolated: 1 } },
  },
  {
    name: 'from the same network to a MAC that nobody knows',
    from: 'gateway',
    mark: GatewayMark.BACK,
    frame: fromHost({ mac: NOBODY, ip4: a.ip4 }),
    expect: {
      verdict: 'redirect',
      flooded: true,
      to: everybodyBut('gateway').filter((name) => !name.startsWith('iso')),
    },
  },
  {
    name: 'from the host to an isolated port',
    from: 'gateway',
    frame: fromHost(iso1),
    expect: { verdict: 'redirect', to: ['iso1'] },
  },
  {
    name: 'a mark that an endpoint brings is none',
    mark: GatewayMark.APART,
    frame: eth(b.mac, a.mac, TYPE.ip4, ip4({ src: a.ip4, dst: b.ip4 }, udp(1, 2))),
    expect: { verdict: 'redirect', to: ['b'] },
  },
];

function fromHost({ mac, ip4: dst }: { readonly mac: string; readonly ip4: string }) {
  return eth(mac, gateway.mac, TYPE.ip4, ip4({ src: PEER, dst }, udp(1, 2)));
}
